import { createHash, randomUUID } from 'node:crypto'
import type { ClaimedWork, PartsChange, SessionStore } from '../../src/coordinator/ports.js'
import type { Lifetime, Upload, UploadDraft } from '../../src/coordinator/session.js'
import { CHECKSUM_BYTES, type ChecksumMode } from '../../src/protocol/index.js'

/** The time at which every test begins; near the real one, because Redis drops keys by its own clock. */
export const NOW = Date.now()
export const LEASE_MS = 30_000
export const HOUR_MS = 60 * 60 * 1000
export const LIFE: Lifetime = { expiresAt: NOW + HOUR_MS, keepUntil: NOW + 2 * HOUR_MS }

export const OBJECT = {
  bucket: 'bucket',
  key: 'uploads/one',
  size: 80,
  etag: 'abc-10',
  digest: 'root-10',
  versionId: 'v1',
}

export interface OpenedStore {
  readonly store: SessionStore
  /** Another instance, as another process would have it, on the same data. */
  another(): Promise<SessionStore>
  /** Closes `store` and removes what the tests left. */
  close(): Promise<void>
}

/** A store whose data ends with it has no other instance. */
export type OpenedAlone = Omit<OpenedStore, 'another'>

export function draftOf(changes: Partial<UploadDraft> = {}): UploadDraft {
  const id = randomUUID()
  return {
    id,
    owner: `owner-${randomUUID()}`,
    filename: 'film.mp4',
    size: 80,
    chunkSize: 8,
    totalChunks: 10,
    checksum: 'sha256',
    key: `uploads/${id}/film.mp4`,
    createdAt: NOW,
    ...changes,
  }
}

/** A draft of `totalChunks` parts. */
export function draftOfParts(totalChunks: number, changes: Partial<UploadDraft> = {}): UploadDraft {
  return draftOf({ size: totalChunks * 8, totalChunks, ...changes })
}

/** An upload that takes parts. */
export async function opened(
  store: SessionStore,
  changes: Partial<UploadDraft> = {},
  lifetime: Lifetime = LIFE,
): Promise<UploadDraft> {
  const draft = draftOf(changes)
  const { fence } = await begun(store, draft, lifetime)
  await store.open(draft, { fence, multipartId: 'multipart', now: NOW })
  return draft
}

/** Begins an upload that is known not to be there. */
export async function begun(
  store: SessionStore,
  draft: UploadDraft,
  lifetime: Lifetime = LIFE,
): Promise<{ readonly epoch: number; readonly fence: number }> {
  const outcome = await store.begin(draft, { ...lifetime, now: NOW, leaseMs: LEASE_MS })
  if (outcome.kind !== 'created') throw new Error(`The upload was not created: ${outcome.kind}`)
  return outcome
}

/** Claims an upload that nobody holds. */
export async function claimed(
  store: SessionStore,
  draft: UploadDraft,
  to: ClaimedWork = 'completing',
  now = NOW,
): Promise<number> {
  const outcome = await store.claim(draft, { to, now, leaseMs: LEASE_MS })
  if (outcome.kind !== 'claimed') throw new Error(`The upload was not claimed: ${outcome.kind}`)
  return outcome.fence
}

/** An upload that ended in that way. */
export async function ended(
  store: SessionStore,
  to: 'completed' | 'failed' | 'aborted',
  changes: Partial<UploadDraft> = {},
): Promise<UploadDraft> {
  const draft = await opened(store, changes)
  const from = to === 'aborted' ? 'aborting' : 'completing'
  const fence = await claimed(store, draft, from)
  const object = to === 'completed' ? { object: OBJECT } : {}
  await store.settle(draft, { ...LIFE, from, to, fence, now: NOW, ...object })
  return draft
}

/** The checksum of some bytes, of the length that the mode has. */
export function sum(seed: string | number, mode: ChecksumMode = 'sha256'): string {
  const hash = createHash('sha256').update(String(seed)).digest()
  return hash.subarray(0, CHECKSUM_BYTES[mode]).toString('base64')
}

/** An ETag as S3 gives. */
export function tag(seed: string | number): string {
  return createHash('md5').update(String(seed)).digest('hex')
}

export function change(changes: Partial<PartsChange>): PartsChange {
  return { ...LIFE, now: NOW, signed: [], arrived: [], ...changes }
}

/** Begins another upload of the owner, of which only the content is known. */
export async function twinOf(
  store: SessionStore,
  owner: string,
  content: string,
  changes: Partial<UploadDraft> = {},
): Promise<Upload | undefined> {
  const step = { ...LIFE, now: NOW, leaseMs: LEASE_MS, content }
  const outcome = await store.begin(draftOf({ owner, ...changes }), step)
  if (outcome.kind !== 'created') throw new Error(`The upload was not created: ${outcome.kind}`)
  return outcome.twin
}

export async function partsOf(store: SessionStore, draft: UploadDraft) {
  return (await store.find(draft, NOW))?.parts
}
