/**
 * The arithmetic of parts. S3's rules: at most 10,000 parts, every part but the last from 5 MiB to
 * 5 GiB (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html). Ours besides: every part
 * but the last has the same size, because Cloudflare R2 demands it and a resumed upload needs it.
 */

export const MIB = 1024 * 1024
export const GIB = 1024 * MIB
export const TIB = 1024 * GIB

/** What a bucket can hold. Sizes in bytes. */
export interface LayoutLimits {
  readonly maxParts: number
  readonly minPartSize: number
  readonly maxPartSize: number
  readonly maxObjectSize: number
}

/** What every S3 API offers; the largest object differs (AWS 50 TB, MinIO 5 TiB) and is configured. */
export const S3_LIMITS: LayoutLimits = {
  maxParts: 10_000,
  minPartSize: 5 * MIB,
  maxPartSize: 5 * GIB,
  maxObjectSize: 5 * TIB,
}

export interface Layout {
  readonly size: number
  readonly chunkSize: number
  readonly totalChunks: number
}

export type LayoutOutcome =
  | { readonly kind: 'ok'; readonly layout: Layout }
  | { readonly kind: 'too-large'; readonly maxSize: number }
  | { readonly kind: 'chunk-too-small'; readonly minChunkSize: number }
  | { readonly kind: 'chunk-too-large'; readonly maxChunkSize: number }

const DEFAULT_CHUNK_SIZE = 8 * MIB

/**
 * The chunk size for a client that names none: `max(8 MiB, size / 10,000 rounded up to a MiB)`. A pure
 * function of the size, and never to be changed for a given size: with `sha256` the identity of the
 * content is `(size, chunk size, root)`.
 */
export function defaultChunkSize(size: number): number {
  const least = Math.ceil(size / S3_LIMITS.maxParts)
  return Math.max(DEFAULT_CHUNK_SIZE, Math.ceil(least / MIB) * MIB)
}

/** The smallest chunk size with which `size` bytes fit into the bucket's number of parts. */
export function smallestChunkSize(size: number, limits: LayoutLimits = S3_LIMITS): number {
  if (size <= limits.minPartSize) return size
  return Math.max(limits.minPartSize, Math.ceil(size / limits.maxParts))
}

export function layoutOf(
  size: number,
  chunkSize: number | undefined,
  limits: LayoutLimits = S3_LIMITS,
): LayoutOutcome {
  const largest = Math.min(limits.maxObjectSize, limits.maxParts * limits.maxPartSize)
  if (size > largest) return { kind: 'too-large', maxSize: largest }
  const minChunkSize = smallestChunkSize(size, limits)
  const chosen =
    chunkSize ?? Math.min(Math.max(defaultChunkSize(size), minChunkSize), limits.maxPartSize)
  if (chosen < minChunkSize) return { kind: 'chunk-too-small', minChunkSize }
  if (Math.min(chosen, size) > limits.maxPartSize) {
    return { kind: 'chunk-too-large', maxChunkSize: limits.maxPartSize }
  }
  return { kind: 'ok', layout: { size, chunkSize: chosen, totalChunks: Math.ceil(size / chosen) } }
}

/** Bytes in part `index` (from 1): the chunk size, or what is left for the last part. */
export function partSize(layout: Layout, index: number): number {
  return index < layout.totalChunks
    ? layout.chunkSize
    : layout.size - (layout.totalChunks - 1) * layout.chunkSize
}

/** Where part `index` (from 1) begins in the file, in bytes. */
export function partOffset(layout: Layout, index: number): number {
  return (index - 1) * layout.chunkSize
}

/** First and last index of a run, both included. */
export type IndexRange = readonly [first: number, last: number]

/** The runs of `1..total` of which `has` says no, in order. */
export function missingRanges(total: number, has: (index: number) => boolean): IndexRange[] {
  const ranges: [number, number][] = []
  for (let index = 1; index <= total; index++) {
    if (has(index)) continue
    const last = ranges.at(-1)
    if (last?.[1] === index - 1) last[1] = index
    else ranges.push([index, index])
  }
  return ranges
}
