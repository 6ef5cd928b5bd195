import type { PartsOutcome, Partway, SignedBatches } from '../../src/coordinator/partway.js'
import type { SignedPart, StatusReply } from '../../src/protocol/index.js'

export const UPLOAD_ID = 'upload-1'
/** What a signed URL of these tests holds; it must be in no log. */
export const MARKED_SIGNATURE = 'X-Amz-Signature=marked-signature'

export const STATUS: StatusReply = {
  uploadId: UPLOAD_ID,
  state: 'uploading',
  filename: 'a.bin',
  size: 10,
  chunkSize: 10,
  totalChunks: 1,
  uploaded: [{ index: 1, size: 10, etag: 'e1', checksum: 'c1' }],
  checksum: 'none',
  expiresIn: 60,
}

export function signedParts(count: number): SignedPart[] {
  return Array.from({ length: count }, (_, i) => ({
    index: i + 1,
    size: 8_388_608,
    url: `https://bucket.example/key?${MARKED_SIGNATURE}&pad=${'x'.repeat(420)}&partNumber=${i + 1}`,
    headers: { 'x-amz-checksum-sha256': 'n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=' },
    expiresIn: 900,
  }))
}

export async function* inBatches(parts: SignedPart[], batch = 150): SignedBatches {
  for (let start = 0; start < parts.length; start += batch) yield parts.slice(start, start + batch)
}

export function partsOutcome(parts: SignedPart[]): PartsOutcome {
  return { reply: { uploadId: UPLOAD_ID, uploadedCount: 1 }, parts: inBatches(parts) }
}

/** A coordinator with fixed answers; a test replaces those that it is about. */
export function fakePartway(answers: Partial<Partway> = {}): Partway {
  return {
    init: async () => ({ created: true, reply: STATUS, parts: inBatches(signedParts(1)) }),
    parts: async () => partsOutcome(signedParts(2)),
    status: async () => STATUS,
    complete: async () => ({
      uploadId: UPLOAD_ID,
      state: 'completed',
      object: { bucket: 'b', key: 'k', size: 10, etag: 'e', versionId: 'v1' },
    }),
    abort: async () => ({ uploadId: UPLOAD_ID, state: 'aborted' }),
    usage: async () => ({ openUploads: 0, reservedBytes: 0, storedBytes: 0, uploadsToday: 0 }),
    due: async () => [],
    resume: async () => {},
    cleanUp: async () => ({ expired: 0, kept: 0, failed: 0, forgotten: 0 }),
    list: async () => ({
      uploads: [
        {
          uploadId: UPLOAD_ID,
          filename: 'a.bin',
          size: 10,
          chunkSize: 10,
          totalChunks: 1,
          uploadedCount: 1,
          checksum: 'none',
          state: 'uploading',
          expiresIn: 60,
        },
      ],
      nextCursor: 'next',
    }),
    check: async () => ({ store: true, bucket: true }),
    close: async () => {},
    ...answers,
  }
}
