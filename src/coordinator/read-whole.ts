import type { StoredObject } from '../protocol/index.js'
import type { Context } from './context.js'
import { bucketFault } from './faults.js'

/** Bytes asked for at once: a connection need not live as long as it takes to read 5 TiB. */
const SLICE = 256 * 1024 * 1024
/** Attempts in a row that bring no byte. */
const ATTEMPTS = 4
const PAUSE_MS = 500

export interface Reading {
  /** Called with the bytes of the object, in order and each once. */
  readonly onBytes: (bytes: Uint8Array) => void
  /** Asked as the bytes arrive; `false` ends the reading. */
  readonly keepGoing: () => Promise<boolean>
  readonly signal: AbortSignal
}

/** `gone`: the object is not there, or is not that one any more. */
export type ObjectRead = 'whole' | 'gone' | 'stopped'

/**
 * Reads an object from its first byte to its last, going on where a connection broke off. Rejects with
 * `BUCKET_UNAVAILABLE` when the bucket does not give it.
 */
export async function readWhole(
  context: Context,
  object: StoredObject,
  reading: Reading,
): Promise<ObjectRead> {
  let offset = 0
  let failures = 0
  const counting: Reading = {
    ...reading,
    onBytes: (bytes) => {
      reading.onBytes(bytes)
      offset += bytes.length
      failures = 0
    },
  }
  while (offset < object.size) {
    try {
      const read = await readSlice(context, { object, start: offset }, counting)
      if (read !== 'whole') return read
    } catch (fault) {
      failures++
      if (failures === ATTEMPTS || reading.signal.aborted) throw bucketFault(fault)
      await context.clock.sleep(PAUSE_MS * 2 ** (failures - 1))
    }
  }
  return 'whole'
}

async function readSlice(
  { bucket }: Context,
  { object, start }: { readonly object: StoredObject; readonly start: number },
  { onBytes, keepGoing, signal }: Reading,
): Promise<ObjectRead> {
  const { key, etag, versionId, size } = object
  const end = Math.min(start + SLICE, size)
  const version = versionId === undefined ? {} : { versionId }
  const found = await bucket.readObject({ key, etag, ...version, start, end, signal })
  if (found.kind !== 'found') return 'gone'
  for await (const bytes of found.bytes) {
    onBytes(bytes)
    if (!(await keepGoing())) return 'stopped'
  }
  return 'whole'
}
