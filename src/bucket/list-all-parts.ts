import { ListPartsCommand, type ListPartsCommandOutput, type Part } from '@aws-sdk/client-s3'
import type { ListedPart } from '../coordinator/ports.js'
import { type ChecksumMode, S3_LIMITS } from '../protocol/index.js'
import { unquoteEtag } from './etag.js'
import { KEPT_MODES, readChecksum } from './s3-checksum.js'

export interface ListAllParts {
  readonly bucket: string
  readonly key: string
  readonly multipartId: string
  /** Parts a page; without it the bucket's own size (AWS 1,000, MinIO 10,000). */
  readonly pageSize: number | undefined
  readonly send: (command: ListPartsCommand) => Promise<ListPartsCommandOutput>
}

/**
 * Every page of ListParts. Some servers give a marker also with the last page, and a proxy may answer
 * one page again and again, so only `IsTruncated` says that there is more, and every page has to bring
 * parts with higher numbers than the page before. Whatever breaks that rejects: half a list would say
 * of parts that are there that they are missing.
 */
export async function listAllParts(request: ListAllParts): Promise<ListedPart[]> {
  const parts: ListedPart[] = []
  for (let marker = 0; ; ) {
    const page = await request.send(pageCommand(request, marker))
    for (const part of page.Parts ?? []) parts.push(toListedPart(part, parts.at(-1)?.index ?? 0))
    if (page.IsTruncated !== true) return parts
    marker = nextMarker(page, marker)
  }
}

function pageCommand(request: ListAllParts, marker: number): ListPartsCommand {
  return new ListPartsCommand({
    Bucket: request.bucket,
    Key: request.key,
    UploadId: request.multipartId,
    ...(marker === 0 ? {} : { PartNumberMarker: String(marker) }),
    ...(request.pageSize === undefined ? {} : { MaxParts: request.pageSize }),
  })
}

// A marker that grows and stays below the highest part number also bounds the number of pages.
function nextMarker(page: ListPartsCommandOutput, marker: number): number {
  const next = Number(page.NextPartNumberMarker)
  if (Number.isInteger(next) && next > marker && next <= S3_LIMITS.maxParts) return next
  throw new Error('ListParts: a truncated page does not say where the next one begins')
}

function toListedPart(part: Part, previousIndex: number): ListedPart {
  const { PartNumber: index, Size: size, ETag: etag } = part
  if (index === undefined || size === undefined || etag === undefined) {
    throw new Error('ListParts: a part without number, size or ETag')
  }
  if (index <= previousIndex) throw new Error('ListParts: part numbers do not ascend')
  const checksum = keptChecksum(part)
  return { index, size, etag: unquoteEtag(etag), ...(checksum === undefined ? {} : { checksum }) }
}

// A multipart upload has one checksum algorithm, so at most one of them is there.
function keptChecksum(part: Part): string | undefined {
  const modes: readonly ChecksumMode[] = KEPT_MODES
  return modes.map((mode) => readChecksum(mode, part)).find((value) => value !== undefined)
}
