import { DeleteObjectCommand, ListMultipartUploadsCommand, type S3Client } from '@aws-sdk/client-s3'
import type { Clock } from '../coordinator/ports.js'
import { S3PartSigner } from './batch-presigner.js'
import { measureClockOffset } from './clock-offset.js'
import type { ProbeSubject } from './probe-subject.js'
import { S3Bucket } from './s3-bucket.js'

export interface S3ProbeOptions {
  readonly bucket: string
  readonly client: S3Client
  readonly completionClient: S3Client
  /** The clock of the machine, as it is. */
  readonly clock: Pick<Clock, 'now'>
}

/** A probe's call that takes longer is a fault. */
const TIMEOUT_MS = 10_000

export function s3ProbeSubject(options: S3ProbeOptions): ProbeSubject {
  const { bucket, client, completionClient, clock } = options
  const plain = { bucket, client, completionClient, timeoutMs: TIMEOUT_MS }
  const limited = { ...plain, completeTimeoutMs: TIMEOUT_MS }
  const limits = () => ({ abortSignal: AbortSignal.timeout(TIMEOUT_MS) })
  // Measured first, so that a clock that is wrong does not make every other step fail.
  let offset = 0
  return {
    bucket: new S3Bucket(limited),
    unreplacing: new S3Bucket({ ...limited, refuseReplacing: true }),
    signer: new S3PartSigner({ client, bucket, clock: { now: () => clock.now() + offset } }),
    listMultipartIds: async (prefix) => {
      const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix })
      const { Uploads = [] } = await client.send(command, limits())
      return Uploads.flatMap(({ UploadId }) => UploadId ?? [])
    },
    deleteObject: async (key) => {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), limits())
    },
    clockOffset: async () => {
      offset = await measureClockOffset({ bucket, client, clock, timeoutMs: TIMEOUT_MS })
      return offset
    },
  }
}
