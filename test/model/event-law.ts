import type { EventRef, Outbox } from '../../src/coordinator/ports.js'
import type { Upload } from '../../src/coordinator/session.js'
import type { StoredObject } from '../../src/protocol/index.js'

const DAY_MS = 24 * 60 * 60 * 1000

export const TARGET = 'model'

/** Takes everything out of the outbox that a call has left there, and says of what type it is. */
export async function tellAll(outbox: Outbox, now: number): Promise<string[]> {
  const later = now + DAY_MS
  const refs = await outbox.due({ target: TARGET, now: later, limit: 100 })
  const types = await Promise.all(refs.map((ref) => tell(outbox, ref, later)))
  return types.sort()
}

async function tell(outbox: Outbox, ref: EventRef, now: number): Promise<string> {
  const claim = await outbox.claim(ref, { now, leaseMs: 1 })
  if (claim === undefined) throw new Error('an event that is due cannot be claimed')
  await outbox.end(ref, { fence: claim.fence, now, to: 'delivered' })
  const { type, data } = JSON.parse(claim.event.payload)
  return `${type} ${data.upload_id}`
}

/**
 * What others are told is what the records say, after each call, whatever became of its caller: an event for each end, and
 * no other.
 */
export function eventProblem(
  last: Upload | undefined,
  next: Upload | undefined,
  told: readonly string[],
): string | undefined {
  const expected = last === undefined || next === undefined ? [] : eventsBetween(last, next)
  const [is, shouldBe] = [told, expected].map((types) => types.join(', ') || 'nothing')
  if (is === shouldBe) return undefined
  return `from ${last?.state} to ${next?.state} others were told ${is}, not ${shouldBe}`
}

function eventsBetween(last: Upload, next: Upload): string[] {
  const name = (type: string) => `upload.${type} ${next.id}`
  if (last.state === next.state) return []
  switch (next.state) {
    case 'completed': {
      const isNew = last.standing !== true
      const wasProven = !isNew && isProven(last, last.object)
      return [
        ...(isNew ? [name('completed')] : []),
        ...(isProven(last, next.object) && !wasProven ? [name('verified')] : []),
      ]
    }
    case 'failed':
    case 'aborted':
    case 'expired':
      return [name(next.state)]
    default:
      return []
  }
}

/** Whether somebody has named a hash, and the object is known to have each that was named. */
function isProven({ fileHash, expectedHash }: Upload, object: StoredObject | undefined): boolean {
  const named = [fileHash, expectedHash].filter((hash) => hash !== undefined)
  const known: unknown[] = [object?.sha256, object?.md5]
  return named.length > 0 && named.every((hash) => known.includes(hash))
}
