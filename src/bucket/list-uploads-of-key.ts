import {
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
} from '@aws-sdk/client-s3'
import type { MultipartTarget, OpenMultipart } from '../coordinator/ports.js'

export interface ListUploads {
  readonly bucket: string
  readonly prefix: string
  /** Uploads a page; without it the bucket's own size. */
  readonly pageSize: number | undefined
  readonly send: (
    command: ListMultipartUploadsCommand,
  ) => Promise<ListMultipartUploadsCommandOutput>
}

export type ListUploadsOfKey = Omit<ListUploads, 'prefix'> & { readonly key: string }

export type ListedUpload = OpenMultipart & MultipartTarget

interface Marker {
  readonly KeyMarker?: string
  readonly UploadIdMarker?: string
}

/**
 * Every page of ListMultipartUploads, newest first. The key is asked for as the prefix: of MinIO that is
 * the only way to be told of any, and other servers also tell of keys that go on after it, which are left
 * out here. A page that leads to one that was there before rejects: half a list is no answer.
 */
export async function listUploadsOfKey({
  key,
  ...request
}: ListUploadsOfKey): Promise<OpenMultipart[]> {
  const listed = await listUploadsUnder({ ...request, prefix: key })
  return listed
    .filter((upload) => upload.key === key)
    .map(({ multipartId, initiatedAt }) => ({ multipartId, initiatedAt }))
}

/** The same of all keys that begin so, of a bucket that lists by prefix. */
export async function listUploadsUnder(request: ListUploads): Promise<ListedUpload[]> {
  const uploads: ListedUpload[] = []
  const seen = new Set<string>()
  for (let marker: Marker = {}; ; ) {
    const page = await request.send(pageCommand(request, marker))
    uploads.push(...uploadsOn(page))
    if (page.IsTruncated !== true) return uploads.sort((a, b) => b.initiatedAt - a.initiatedAt)
    marker = nextMarker(page, request.prefix)
    const name = JSON.stringify(marker)
    if (seen.has(name)) throw new Error('ListMultipartUploads: the pages go round in a circle')
    seen.add(name)
  }
}

function pageCommand(
  { bucket, prefix, pageSize }: ListUploads,
  marker: Marker,
): ListMultipartUploadsCommand {
  return new ListMultipartUploadsCommand({
    Bucket: bucket,
    Prefix: prefix,
    ...marker,
    ...(pageSize === undefined ? {} : { MaxUploads: pageSize }),
  })
}

function uploadsOn(page: ListMultipartUploadsCommandOutput): ListedUpload[] {
  const uploads: ListedUpload[] = []
  for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
    if (!UploadId || !Key)
      throw new Error('ListMultipartUploads: an upload without UploadId or Key')
    uploads.push({ key: Key, multipartId: UploadId, initiatedAt: Initiated?.getTime() ?? 0 })
  }
  return uploads
}

// MinIO, which lists one key only, does not repeat it as the marker; AWS ignores an upload id without one.
function nextMarker(page: ListMultipartUploadsCommandOutput, prefix: string): Marker {
  const { NextKeyMarker, NextUploadIdMarker } = page
  if (!NextKeyMarker && !NextUploadIdMarker) {
    throw new Error('ListMultipartUploads: a truncated page does not say where the next one begins')
  }
  return {
    KeyMarker: NextKeyMarker || prefix,
    ...(NextUploadIdMarker ? { UploadIdMarker: NextUploadIdMarker } : {}),
  }
}
