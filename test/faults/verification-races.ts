import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Fault } from '../helpers/fault-proxy.js'
import type { S3CallName } from '../helpers/s3-call.js'
import { Signal } from '../helpers/signal.js'
import { waitABit } from './crash-lane.js'
import { brokenInvariants } from './invariants.js'
import { type Ending, PatientClient, type PatientClientOptions } from './patient-client.js'
import { Payload } from './payload.js'
import { Fleet } from './server-fleet.js'
import type { StoreKind } from './stores.js'

const COMPLETES = 50
/** More than a woken server needs for all that it has still to do. */
const AFTERMATH_MS = 1_500

const STORES: readonly StoreKind[] = ['Redis', 'SQLite']

/** Where the server that verifies is stopped. */
interface Stop {
  readonly name: string
  readonly call: S3CallName
  readonly nth: number
  /** Whether the call reaches the bucket at once, or only after everything else has happened. */
  readonly reaches: 'at once' | 'last'
}

const READING: readonly Stop[] = [
  { name: 'with the object on its way', call: 'GetObject', nth: 1, reaches: 'at once' },
  { name: 'before the bucket is asked for it', call: 'GetObject', nth: 1, reaches: 'last' },
]

/** The 1st HEAD is of the completion, the 2nd asks for the token, the 3rd for the ETag again. */
const REMOVING: readonly Stop[] = [
  { name: 'with its proof on its way', call: 'HeadObject', nth: 2, reaches: 'at once' },
  { name: 'with the ETag on its way', call: 'HeadObject', nth: 3, reaches: 'at once' },
]

/** Then only the bucket can tell the wrong object from the new one: by `If-Match`. */
const REMOVING_LATE: Stop = {
  name: 'with its DELETE on the way',
  call: 'DeleteObject',
  nth: 1,
  reaches: 'last',
}

const right = new Payload()
const wrong = new Payload()

type Case = readonly [string, (fleet: Fleet) => Promise<void>]

function casesOf({ comparesOnDelete }: VerificationRaces): Case[] {
  const removing = [...REMOVING, ...(comparesOnDelete ? [REMOVING_LATE] : [])]
  return [
    [`${COMPLETES} completes with a hash: one reading, equal answers`, manyCompletes],
    ...READING.map((stop): Case => {
      const name = `a server is stopped in its verification, ${stop.name}`
      return [name, (fleet) => stoppedWhileVerifying(fleet, stop)]
    }),
    ...[...READING, ...removing].map((stop): Case => {
      const name = `a server is stopped as it verifies what is wrong, ${stop.name}`
      return [name, (fleet) => stoppedBeforeTheRightOne(fleet, stop)]
    }),
  ]
}

export interface VerificationRaces {
  readonly bucketUrl: string
  /** Whether the bucket knows `If-Match` with DELETE. MinIO does not. */
  readonly comparesOnDelete: boolean
}

/** Mostly they wait for leases, so there is a fleet for each store, both at once. */
export function verificationRaces(service: string, options: VerificationRaces): void {
  const { bucketUrl } = options
  describe.concurrent(`three servers verify, with ${service}`, () => {
    const fleets = new Map<StoreKind, Fleet>()
    const turns = new Map<StoreKind, Promise<unknown>>()
    beforeAll(async () => {
      for (const store of STORES) {
        fleets.set(store, await Fleet.open({ bucketUrl, store, servers: 3 }))
      }
    })
    afterAll(async () => {
      await Promise.all(Array.from(fleets.values(), (fleet) => fleet.close()))
    })

    function inTurn(store: StoreKind, work: (fleet: Fleet) => Promise<void>): Promise<void> {
      const fleet = fleets.get(store)
      if (fleet === undefined) throw new Error(`there is no fleet with ${store}`)
      const turn = (turns.get(store) ?? Promise.resolve()).then(() => work(fleet))
      turns.set(
        store,
        turn.catch(() => {}),
      )
      return turn
    }

    for (const [name, work] of casesOf(options)) {
      for (const store of STORES) {
        it(`case: ${service} ${store} ${name}`, () => inTurn(store, work))
      }
    }
  })
}

async function manyCompletes(fleet: Fleet): Promise<void> {
  const client = clientOf(fleet, { payload: right, expectedHash: right.sha256 })
  const { uploadId } = await client.init()
  await client.send(right.indexes)
  fleet.toBucket.play(undefined)
  const message = { upload_id: uploadId, expected_hash: right.sha256 }
  const racing = Array.from({ length: COMPLETES }, (_, i) =>
    fleet.post(i % 3, '/upload/complete', message),
  )
  const answers = await Promise.all(racing)
  expect(await client.complete()).toBe('completed')
  const object = client.told[0]?.object
  for (const { status, text } of answers) {
    const { state, object: told } = JSON.parse(text)
    expect([200, 202], text).toContain(status)
    expect(state).toBe(status === 200 ? 'completed' : 'verifying')
    expect(told?.etag).toBe(status === 200 ? object?.etag : undefined)
  }
  expect(fleet.toBucket.count('CompleteMultipartUpload')).toBe(1)
  expect(fleet.toBucket.count('GetObject')).toBe(1)
  expect(await broken(fleet, client, { state: 'completed', payload: right })).toEqual([])
}

async function stoppedWhileVerifying(fleet: Fleet, stop: Stop): Promise<void> {
  const client = clientOf(fleet, { payload: right, expectedHash: right.sha256 })
  await client.init()
  await client.send(right.indexes)
  const message = { upload_id: client.uploadId, expected_hash: right.sha256 }
  await whileStopped(fleet, { stop, message }, async () => {
    expect(await client.complete()).toBe('completed')
    expect(await broken(fleet, client, { state: 'completed', payload: right })).toEqual([])
  })
  expect(await client.complete()).toBe('completed')
  expect(await broken(fleet, client, { state: 'completed', payload: right })).toEqual([])
}

/** While it stands still the upload fails, and is opened anew for the file that was meant. */
async function stoppedBeforeTheRightOne(fleet: Fleet, stop: Stop): Promise<void> {
  // A new one each time: whoever has stored a file with that hash before is given its object.
  const meant = new Payload()
  const fileHash = meant.sha256
  const first = clientOf(fleet, { payload: wrong, fileHash })
  await first.init()
  await first.send(wrong.indexes)
  const { filename } = first
  const second = clientOf(fleet, { payload: meant, fileHash, filename })
  await whileStopped(fleet, { stop, message: { upload_id: first.uploadId } }, async () => {
    expect(await first.complete()).toBe('failed')
    expect(first.told).toEqual([])
    expect(await broken(fleet, first, { state: 'failed', payload: wrong })).toEqual([])
    fleet.toBucket.play(undefined)
    expect(await second.upload()).toBe('completed')
    expect(second.uploadId).toBe(first.uploadId)
    expect(await broken(fleet, second, { state: 'completed', payload: meant })).toEqual([])
  })
  expect(await second.complete()).toBe('completed')
  expect(await broken(fleet, second, { state: 'completed', payload: meant })).toEqual([])
}

interface Stopping {
  readonly stop: Stop
  /** The completion that the first server is sent. */
  readonly message: object
}

/** SIGSTOP while it verifies; the others do as they do, past its lease; SIGCONT. */
async function whileStopped(
  fleet: Fleet,
  { stop: { call, nth, reaches }, message }: Stopping,
  others: () => Promise<void>,
): Promise<void> {
  const stopped = new Signal()
  const finished = new Signal()
  const hold = async () => {
    fleet.signal(0, 'SIGSTOP')
    stopped.give()
    if (reaches === 'last') await finished.given
    return 'pass' as const
  }
  const fault: Fault = reaches === 'last' ? { before: hold } : { after: hold }
  fleet.toBucket.play({ call, nth, attempts: 'first', fault })
  const answer = await fleet.post(0, '/upload/complete', message)
  expect(answer.status, answer.text).toBe(202)
  await stopped.given
  try {
    await others()
  } finally {
    finished.give()
    fleet.signal(0, 'SIGCONT')
  }
  await sleep(AFTERMATH_MS)
  await fleet.toBucket.settled()
}

/** Of the servers that are not stopped. */
function clientOf(
  fleet: Fleet,
  options: Omit<PatientClientOptions, 'calls' | 'mode' | 'wait'>,
): PatientClient {
  return new PatientClient({ ...options, calls: fleet.calls(1), mode: 'sha256', wait: waitABit })
}

function broken(
  fleet: Fleet,
  { uploadId: id, told, states }: PatientClient,
  { state, payload }: { readonly state: Ending; readonly payload: Payload },
): Promise<string[]> {
  const { served } = fleet.toBucket
  const seen = { payload, served, told, states }
  const hash = state === 'completed' ? { sha256: payload.sha256 } : {}
  const expected = { id, state, mode: 'sha256', ...seen, ...hash } as const
  return brokenInvariants(fleet.ground, expected)
}
