import { partSize } from '../protocol/index.js'
import type { ClientClock, RememberedUpload, ResumeStore } from './ports.js'

/** An upload that goes on when its file is given to `createUpload` again. */
export interface ResumableUpload extends RememberedUpload {
  /** Bytes that had arrived when it was last heard of. */
  readonly acknowledgedBytes: number
}

export interface ListResumableOptions {
  /** Only those of this scope. @default '' */
  readonly scope?: string
}

/** The uploads that were begun and not finished, the latest first. What has expired is forgotten. */
export async function listResumable(
  { store, clock }: { readonly store: ResumeStore; readonly clock: ClientClock },
  { scope = '' }: ListResumableOptions = {},
): Promise<ResumableUpload[]> {
  const found: ResumableUpload[] = []
  for (const upload of await store.list()) {
    if (upload.expiresAt <= clock.wallTime()) await store.forget(upload.id)
    else if (upload.scope === scope) {
      const parts = await store.parts(upload.id)
      found.push({ ...upload, acknowledgedBytes: bytesOf(upload, [...parts.keys()]) })
    }
  }
  return found.sort((a, b) => b.updatedAt - a.updatedAt)
}

function bytesOf({ size, chunkSize }: RememberedUpload, indices: readonly number[]): number {
  const layout = { size, chunkSize, totalChunks: Math.ceil(size / chunkSize) }
  return indices.reduce((bytes, index) => bytes + partSize(layout, index), 0)
}
