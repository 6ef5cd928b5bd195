import { afterAll, beforeAll, describe } from 'vitest'
import type { SessionStore } from '../../src/coordinator/ports.js'
import { beginContract } from './session-store.begin.js'
import { claimContract } from './session-store.claim.js'
import { contentsContract } from './session-store.contents.js'
import { dueContract } from './session-store.due.js'
import type { OpenedAlone, OpenedStore } from './session-store.fixtures.js'
import { listContract } from './session-store.list.js'
import { modelContract } from './session-store.model.js'
import { overdueContract } from './session-store.overdue.js'
import { partsContract } from './session-store.parts.js'
import { sharingContract } from './session-store.sharing.js'
import { usageContract } from './session-store.usage.js'
import { verifyContract } from './session-store.verify.js'

/** Everything that a `SessionStore` promises; `store()` is there from the first test on. */
export type Contract = (store: () => SessionStore) => void

const CONTRACTS: readonly Contract[] = [
  beginContract,
  partsContract,
  claimContract,
  verifyContract,
  contentsContract,
  listContract,
  usageContract,
  modelContract,
]

/** The contract of a store whose data other instances see too. */
export function sessionStoreContract(name: string, open: () => Promise<OpenedStore>): void {
  lonelySessionStoreContract(name, open)
  describe(`SessionStore shared by many: ${name}`, () => {
    const opened = openedForTests(open)
    sharingContract(opened)
  })
}

/** The contract of a store whose data nobody else sees. */
export function lonelySessionStoreContract(name: string, open: () => Promise<OpenedAlone>): void {
  describe(`SessionStore: ${name}`, () => {
    const opened = openedForTests(open)
    for (const contract of CONTRACTS) contract(() => opened().store)
    dueContract(open)
    overdueContract(open)
  })
}

function openedForTests<T extends OpenedAlone>(open: () => Promise<T>): () => T {
  let opened: T | undefined
  beforeAll(async () => {
    opened = await open()
  })
  afterAll(() => opened?.close())
  return () => {
    if (opened === undefined) throw new Error('The store is not open')
    return opened
  }
}
