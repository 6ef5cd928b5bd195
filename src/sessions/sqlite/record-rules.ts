import type { ClaimStep } from '../../coordinator/ports.js'
import type { Lifetime } from '../../coordinator/session.js'
import type { UploadRecord } from '../stored-upload.js'

/** What another `init` replaces. */
export const ENDED: ReadonlySet<string> = new Set(['failed', 'aborted', 'expired'])

/** Whether it is the same upload that begins anew: nobody has asked for another. */
export function isRenewal(old: UploadRecord | undefined): boolean {
  if (old === undefined || ENDED.has(old.state)) return false
  return old.state !== 'creating' || old.renewed === 1
}

export function isClaimable({ state, expiresAt }: UploadRecord, { to, now }: ClaimStep): boolean {
  if (state === 'uploading') return to === 'aborting' || (to === 'completing' && expiresAt > now)
  return state === to || (state === 'completed' && to === 'verifying')
}

export function longer(record: Lifetime, step: Lifetime): Lifetime {
  return {
    expiresAt: Math.max(record.expiresAt, step.expiresAt),
    keepUntil: Math.max(record.keepUntil, step.keepUntil),
  }
}

type Room = Pick<UploadRecord, 'state' | 'leaseUntil' | 'expiresAt' | 'keepUntil' | 'standing'>

/** Until when the upload takes room of its owner, and of which kind: the table of `Usage`. Written with every change. */
export function roomOf(record: Room): { reservedUntil: number | null; storedUntil: number | null } {
  const { state, leaseUntil, expiresAt, keepUntil, standing } = record
  const reserved = (reservedUntil: number) => ({ reservedUntil, storedUntil: null })
  switch (state) {
    case 'creating':
      return reserved(Math.min(leaseUntil, keepUntil))
    case 'uploading':
    case 'aborting':
      return reserved(expiresAt)
    case 'completing':
      return reserved(keepUntil)
    case 'verifying':
      return standing === 1 ? { reservedUntil: null, storedUntil: keepUntil } : reserved(keepUntil)
    case 'completed':
      return { reservedUntil: null, storedUntil: keepUntil }
    default:
      return { reservedUntil: null, storedUntil: null }
  }
}
