import { randomUUID } from 'node:crypto'
import {
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  ListPartsCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import type { MultipartTarget } from '../coordinator/ports.js'
import { type ListedUpload, listUploadsUnder } from './list-uploads-of-key.js'
import type { Answer } from './probe-report.js'
import { isNoSuchUpload, isRefusedForGood } from './s3-errors.js'
import { isRefusal } from './status-error.js'

/** What only whoever cleans up asks of a bucket. */
export interface Housekeeping {
  /** All multipart uploads whose keys begin so. Of a bucket that lists by exact key it says nothing. */
  openUploads(prefix: string): Promise<readonly ListedUpload[]>
  /** When the latest part was stored, milliseconds since the epoch by the bucket's clock; `undefined` for none. */
  lastPartAt(target: MultipartTarget): Promise<number | undefined>
  /** What the credentials may do besides what uploads need. Reads only, but for a key that is not there. */
  rights(prefix: string): Promise<Rights>
  /** See {@link KeptUploads}. */
  keptUploads(prefix: string): Promise<KeptUploads>
}

export interface Rights {
  /** Needed to remove what is not the file that it was said to be. */
  readonly mayDelete: Answer
  /** Not needed for anything: whoever may, has more rights than this server should. */
  readonly mayReadPolicy: Answer
}

/** After how many days from their beginning the bucket's own rules remove unfinished uploads. */
export type KeptUploads =
  | { readonly kind: 'days'; readonly days: number }
  | { readonly kind: 'no-rule' }
  /** The bucket does not say, or not to us. */
  | { readonly kind: 'unknown' }

const TIMEOUT_MS = 60_000

export function housekeeping(bucket: string, client: S3Client): Housekeeping {
  const limits = () => ({ abortSignal: AbortSignal.timeout(TIMEOUT_MS) })
  return {
    openUploads: (prefix) => {
      return listUploadsUnder({
        bucket,
        prefix,
        pageSize: undefined,
        send: (command) => client.send(command, limits()),
      })
    },
    lastPartAt: ({ key, multipartId }) => lastPartAt({ bucket, client, key, multipartId }),
    rights: async (prefix) => {
      const key = `${prefix}.partway-probe/${randomUUID()}`
      const remove = new DeleteObjectCommand({ Bucket: bucket, Key: key })
      const policy = new GetBucketPolicyCommand({ Bucket: bucket })
      return {
        mayDelete: await mayDo(client.send(remove, limits())),
        mayReadPolicy: await mayDo(client.send(policy, limits())),
      }
    },
    keptUploads: async (prefix) => {
      const command = new GetBucketLifecycleConfigurationCommand({ Bucket: bucket })
      try {
        const { Rules = [] } = await client.send(command, limits())
        const days = Rules.filter(({ Status }) => Status === 'Enabled')
          .filter((rule) => prefix.startsWith(rule.Filter?.Prefix ?? rule.Prefix ?? ''))
          .filter(({ Filter }) => Filter?.Tag === undefined && Filter?.And === undefined)
          .flatMap((rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation ?? [])
        return days.length === 0 ? { kind: 'no-rule' } : { kind: 'days', days: Math.min(...days) }
      } catch (error) {
        if (error instanceof Error && error.name === 'NoSuchLifecycleConfiguration') {
          return { kind: 'no-rule' }
        }
        if (isRefusal(error) || isRefusedForGood(error)) return { kind: 'unknown' }
        throw error
      }
    },
  }
}

/** An answer of any kind but a refusal shows that it was allowed. */
async function mayDo(call: Promise<unknown>): Promise<Answer> {
  try {
    await call
    return 'yes'
  } catch (error) {
    if (error instanceof Error && error.name === 'AccessDenied') return 'no'
    return error instanceof Error && error.name === 'NoSuchBucketPolicy' ? 'yes' : 'unknown'
  }
}

interface PartsOf extends MultipartTarget {
  readonly bucket: string
  readonly client: S3Client
}

async function lastPartAt({
  bucket,
  client,
  key,
  multipartId,
}: PartsOf): Promise<number | undefined> {
  let latest: number | undefined
  const parts = (marker: number) =>
    new ListPartsCommand({
      Bucket: bucket,
      Key: key,
      UploadId: multipartId,
      ...(marker === 0 ? {} : { PartNumberMarker: String(marker) }),
    })
  try {
    for (let marker = 0; ; ) {
      const page = await client.send(parts(marker), {
        abortSignal: AbortSignal.timeout(TIMEOUT_MS),
      })
      for (const { LastModified } of page.Parts ?? []) {
        latest = Math.max(latest ?? 0, LastModified?.getTime() ?? 0)
      }
      if (page.IsTruncated !== true) return latest
      const next = Number(page.NextPartNumberMarker)
      if (!(next > marker)) throw new Error('ListParts: the pages go round in a circle')
      marker = next
    }
  } catch (error) {
    if (isNoSuchUpload(error)) return latest
    throw error
  }
}
