import type { SessionStore } from '../../coordinator/ports.js'
import type { Upload } from '../../coordinator/session.js'
import { observed, overlaid } from '../observed.js'
import type { Meter } from './meter.js'
import { OUTCOMES } from './series.js'
import { type Stopwatch, timedCalls } from './timed-calls.js'
import { UnderClaim } from './under-claim.js'

/** The same store, whose calls are measured, and of which every change of a state is counted. */
export function meteredStore(
  store: SessionStore,
  meter: Meter,
  stopwatch: Stopwatch,
): SessionStore {
  const counting = overlaid(store, counted(store, meter))
  return observed(counting, timedCalls(meter, stopwatch, { port: counting, of: 'store' }))
}

function counted(store: SessionStore, meter: Meter): Partial<SessionStore> {
  const underClaim = new UnderClaim()
  return {
    begin: async (draft, step) => {
      const outcome = await store.begin(draft, step)
      if (outcome.kind === 'created') underClaim.add(draft, outcome.fence)
      return outcome
    },
    open: async (ref, step) => {
      const isOpen = await store.open(ref, step)
      underClaim.take(ref, step.fence)
      if (isOpen) {
        meter.count('partway_upload_transitions_total', { from: 'creating', to: 'uploading' })
      }
      return isOpen
    },
    claim: async (ref, step) => {
      const outcome = await store.claim(ref, step)
      if (outcome.kind === 'claimed') underClaim.add(outcome.session.upload, outcome.fence)
      return outcome
    },
    settle: async (ref, step) => {
      const isSettled = await store.settle(ref, step)
      const upload = underClaim.take(ref, step.fence)
      if (isSettled) countSettled(meter, step, upload)
      return isSettled
    },
    recordParts: async (ref, change) => {
      const outcome = await store.recordParts(ref, change)
      if (outcome.kind === 'recorded') {
        meter.count('partway_parts_reported_total', {}, change.arrived.length)
      }
      if (outcome.kind === 'checksum-differs') {
        meter.count('partway_checksum_failures_total', { what: 'report' })
      }
      return outcome
    },
  }
}

type SettleStep = Parameters<SessionStore['settle']>[1]

function countSettled(
  meter: Meter,
  { from, to, now, object }: SettleStep,
  upload: Pick<Upload, 'createdAt' | 'standing'> | undefined,
): void {
  meter.count('partway_upload_transitions_total', { from, to })
  const outcome = OUTCOMES.find((end) => end === to)
  // What stood already was counted when it was completed.
  if (outcome === undefined || upload?.standing) return
  meter.count('partway_uploads_ended_total', { outcome })
  if (to === 'failed') meter.count('partway_checksum_failures_total', { what: 'object' })
  if (to !== 'completed') return
  const by = from === 'creating' ? 'found' : 'uploaded'
  meter.count('partway_completed_bytes_total', { by }, object?.size ?? 0)
  if (by === 'uploaded' && upload !== undefined) {
    meter.observe('partway_upload_seconds', {}, Math.max(0, now - upload.createdAt) / 1_000)
  }
}
