import {
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
} from '@aws-sdk/client-s3'
import type { OpenMultipart } from '../coordinator/ports.js'

export interface ListUploadsOfKey {
  readonly bucket: string
  readonly key: string
  /** Uploads a page; without it the bucket's own size. */
  readonly pageSize: number | undefined
  readonly send: (
    command: ListMultipartUploadsCommand,
  ) => Promise<ListMultipartUploadsCommandOutput>
}

interface Marker {
  readonly KeyMarker?: string
  readonly UploadIdMarker?: string
}

/**
 * Every page of ListMultipartUploads, newest first. The key is asked for as the prefix: of MinIO that is
 * the only way to be told of any, and other servers also tell of keys that go on after it, which are left
 * out here. A page that leads to one that was there before rejects: half a list is no answer.
 */
export async function listUploadsOfKey(request: ListUploadsOfKey): Promise<OpenMultipart[]> {
  const uploads: OpenMultipart[] = []
  const seen = new Set<string>()
  for (let marker: Marker = {}; ; ) {
    const page = await request.send(pageCommand(request, marker))
    uploads.push(...uploadsOn(page, request.key))
    if (page.IsTruncated !== true) return uploads.sort((a, b) => b.initiatedAt - a.initiatedAt)
    marker = nextMarker(page, request.key)
    const name = JSON.stringify(marker)
    if (seen.has(name)) throw new Error('ListMultipartUploads: the pages go round in a circle')
    seen.add(name)
  }
}

function pageCommand(
  { bucket, key, pageSize }: ListUploadsOfKey,
  marker: Marker,
): ListMultipartUploadsCommand {
  return new ListMultipartUploadsCommand({
    Bucket: bucket,
    Prefix: key,
    ...marker,
    ...(pageSize === undefined ? {} : { MaxUploads: pageSize }),
  })
}

function uploadsOn(page: ListMultipartUploadsCommandOutput, key: string): OpenMultipart[] {
  const uploads: OpenMultipart[] = []
  for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
    if (Key !== key) continue
    if (!UploadId) throw new Error('ListMultipartUploads: an upload without UploadId')
    uploads.push({ multipartId: UploadId, initiatedAt: Initiated?.getTime() ?? 0 })
  }
  return uploads
}

// MinIO, which lists one key only, does not repeat it as the marker; AWS ignores an upload id without one.
function nextMarker(page: ListMultipartUploadsCommandOutput, key: string): Marker {
  const { NextKeyMarker, NextUploadIdMarker } = page
  if (!NextKeyMarker && !NextUploadIdMarker) {
    throw new Error('ListMultipartUploads: a truncated page does not say where the next one begins')
  }
  return {
    KeyMarker: NextKeyMarker || key,
    ...(NextUploadIdMarker ? { UploadIdMarker: NextUploadIdMarker } : {}),
  }
}
