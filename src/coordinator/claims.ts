import { activeLifetime, type Context, finalLifetime } from './context.js'
import type { ClaimOutcome, ClaimStep, ExtendStep, SettleStep, UploadRef } from './ports.js'
import type { Lifetime } from './session.js'

/** A claim that was granted. */
export type Claimed = Extract<ClaimOutcome, { kind: 'claimed' }>

/** Claims the upload from now on, for as long as one caller may take. */
export function claimNow(
  { store, clock, settings }: Context,
  ref: UploadRef,
  step: Omit<ClaimStep, 'now' | 'leaseMs'> & Partial<Pick<ClaimStep, 'leaseMs'>>,
): Promise<ClaimOutcome> {
  return store.claim(ref, { leaseMs: settings.leaseMs, ...step, now: clock.now() })
}

/**
 * Leaves the claimed state, and gives the upload the lifetime of the one that it goes to. `undefined` when the
 * claim was not the latest any more: a late holder's write changes nothing, and who took over has the say.
 */
export async function settleNow(
  context: Context,
  ref: UploadRef,
  step: Omit<SettleStep, 'now' | keyof Lifetime>,
): Promise<Lifetime | undefined> {
  const now = context.clock.now()
  const isOpen = step.to === 'uploading' || step.to === 'verifying'
  const lifetime = isOpen ? activeLifetime(context, now) : finalLifetime(context, now)
  return (await context.store.settle(ref, { ...step, ...lifetime, now })) ? lifetime : undefined
}

/** Leaves a claim to whoever comes `leaseMs` from now or later. If even this fails it ends by itself. */
export async function leaveClaim(
  { store, clock }: Context,
  ref: UploadRef,
  step: Omit<ExtendStep, 'now'>,
): Promise<void> {
  await store.extend(ref, { ...step, now: clock.now() }).catch(() => false)
}
