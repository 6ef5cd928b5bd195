import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChecksumMode, RouteName } from '../../src/protocol/index.js'
import type { Fault } from '../helpers/fault-proxy.js'
import type { S3CallName } from '../helpers/s3-call.js'
import { CrashLane, waitABit } from './crash-lane.js'
import { brokenInvariants, type Ground, wrongRemovals } from './invariants.js'
import { type Ending, PatientClient } from './patient-client.js'
import { Payload } from './payload.js'
import type { StoreKind } from './stores.js'

/** Where the server dies: at a call of its own to the bucket, or at a call of its client. */
type Place =
  | { readonly to: 'bucket'; readonly call: S3CallName; readonly nth: number }
  | { readonly to: 'server'; readonly call: RouteName; readonly nth: number }

interface Point {
  readonly name: string
  readonly end: Ending | 'aborted'
  readonly mode: ChecksumMode
  /** That of the file, or that of another. */
  readonly hashes?: { readonly fileHash?: string; readonly expectedHash?: string }
  /** The client goes away for as long as its object is being verified. */
  readonly isAway?: true
  readonly place: Place
  readonly fault: (lane: CrashLane) => Fault
}

const before = (lane: CrashLane): Fault => ({
  before: () => lane.kill().then(() => 'drop'),
})

const after = (lane: CrashLane): Fault => ({
  after: () => lane.kill().then(() => 'drop'),
})

const delivered = (lane: CrashLane): Fault => ({
  delivered: () => {
    void lane.kill()
  },
})

/** Half of an object has arrived. */
const midway = (lane: CrashLane): Fault => ({
  after: () => {
    void sleep(100).then(() => lane.kill())
    return 'stall'
  },
})

const payload = new Payload()

type Way = Pick<Point, 'end' | 'mode' | 'hashes' | 'isAway'>
const UPLOAD: Way = { end: 'completed', mode: 'sha256' }
const UPLOAD_NONE: Way = { end: 'completed', mode: 'none' }
const ABORT: Way = { end: 'aborted', mode: 'sha256' }
/** With `file_hash` a second upload of the same owner would be given the first one's object. */
const VERIFY: Way = { ...UPLOAD, hashes: { expectedHash: payload.sha256 } }
const VERIFY_AWAY: Way = { ...VERIFY, isAway: true }
const VERIFY_WRONG: Way = {
  end: 'failed',
  mode: 'sha256',
  hashes: { fileHash: new Payload(1).sha256 },
}
const VERIFY_WRONG_AWAY: Way = { ...VERIFY_WRONG, isAway: true }

/** Both sides of a call that the server makes of the bucket. */
function atBucket(use: string, way: Way, call: S3CallName, nth = 1): Point[] {
  const place: Place = { to: 'bucket', call, nth }
  return [
    { ...way, place, name: `${use}: before ${call}`, fault: before },
    { ...way, place, name: `${use}: after ${call}, before its answer arrives`, fault: after },
  ]
}

function inTheMiddleOf(use: string, way: Way, call: S3CallName): Point[] {
  const place: Place = { to: 'bucket', call, nth: 1 }
  return [{ ...way, place, name: `${use}: in the middle of ${call}`, fault: midway }]
}

/** Both sides of a reply that the server gives to the client. */
function atReply(use: string, way: Way, call: RouteName, nth = 1): Point[] {
  const place: Place = { to: 'server', call, nth }
  return [
    { ...way, place, name: `${use}: before its reply reaches the client`, fault: after },
    { ...way, place, name: `${use}: after its reply has reached the client`, fault: delivered },
  ]
}

/** In the order of an upload. `parts` is called to sign part 1, to sign the others, and to report all. */
const POINTS: readonly Point[] = [
  ...atBucket('init', UPLOAD, 'HeadObject'),
  ...atBucket('init', UPLOAD, 'ListMultipartUploads'),
  ...atBucket('init', UPLOAD, 'CreateMultipartUpload'),
  ...atReply('init', UPLOAD, 'init'),
  ...atReply('sign', UPLOAD, 'parts'),
  ...atBucket('status', UPLOAD, 'ListParts'),
  ...atReply('status', UPLOAD, 'status'),
  ...atReply('report', UPLOAD, 'parts', 3),
  ...atBucket('complete, unreported', UPLOAD_NONE, 'ListParts', 2),
  ...atBucket('complete', UPLOAD, 'CompleteMultipartUpload'),
  ...atBucket('complete', UPLOAD, 'HeadObject', 2),
  ...atReply('complete', UPLOAD, 'complete'),
  ...atReply('complete, to be verified', VERIFY, 'complete'),
  ...atBucket('verify', VERIFY, 'GetObject'),
  ...inTheMiddleOf('verify', VERIFY, 'GetObject'),
  ...atBucket('verify, nobody asks', VERIFY_AWAY, 'GetObject'),
  ...atReply('complete, to be refused', VERIFY_WRONG, 'complete'),
  ...atBucket('verify, wrong hash', VERIFY_WRONG, 'GetObject'),
  ...inTheMiddleOf('verify, wrong hash', VERIFY_WRONG, 'GetObject'),
  // The 1st is of init and the 2nd of complete; the 3rd asks for the token, the 4th for the ETag again.
  ...atBucket('verify, wrong hash', VERIFY_WRONG, 'HeadObject', 3),
  ...atBucket('verify, wrong hash, again', VERIFY_WRONG, 'HeadObject', 4),
  ...atBucket('verify, wrong hash', VERIFY_WRONG, 'DeleteObject'),
  ...atBucket('verify, wrong hash, nobody asks', VERIFY_WRONG_AWAY, 'DeleteObject'),
  ...atBucket('abort', ABORT, 'AbortMultipartUpload'),
  ...atBucket('abort', ABORT, 'ListParts'),
  ...atBucket('abort', ABORT, 'HeadObject', 2),
  ...atReply('abort', ABORT, 'abort'),
]

const STORES: readonly StoreKind[] = ['Redis', 'SQLite']

/**
 * The server killed at every point, on one kind of bucket with each store. The cases of a lane wait for
 * each other, so the lanes take turns: else the cases that may run at once would all be of one lane.
 */
export function crashMatrix(service: string, bucketUrl: string): void {
  describe.concurrent(`the server is killed, with ${service}`, () => {
    const lanes = new Map<StoreKind, CrashLane>()
    beforeAll(async () => {
      for (const store of STORES) lanes.set(store, await CrashLane.open({ bucketUrl, store }))
    })
    afterAll(async () => {
      await Promise.all(Array.from(lanes.values(), (lane) => lane.close()))
    })

    function laneOf(store: StoreKind): CrashLane {
      const lane = lanes.get(store)
      if (lane === undefined) throw new Error(`there is no lane with ${store}`)
      return lane
    }

    for (const point of POINTS) {
      for (const store of STORES) {
        const name = `case: ${service} ${store} ${point.name}`
        it(name, () => laneOf(store).inTurn((lane) => survives(lane, point, name)))
      }
    }
  })
}

async function survives(lane: CrashLane, point: Point, name: string): Promise<void> {
  const { end, mode, place, hashes } = point
  const calls = lane.calls()
  const wait = async (ms: number): Promise<void> => {
    const isVerifying = client.states.at(-1) === 'verifying'
    await (point.isAway && isVerifying ? verified(lane.ground, client.uploadId) : waitABit(ms))
  }
  const client = new PatientClient({ calls, payload, mode, wait, ...hashes })
  play(lane, place, point.fault(lane))
  try {
    if (end === 'aborted') expect(await client.abandon(), name).toBe(true)
    else await client.upload()
    await lane.settled()
    const { told, states, uploadId: id } = client
    const { served, asked } = lane.toBucket
    const sha256 = end === 'completed' ? hashes?.expectedHash : undefined
    const hash = sha256 === undefined ? {} : { sha256 }
    const expected = { id, state: end, mode, payload, served, told, states, ...hash }
    expect(lane.kills, `${name}: the server was not killed`).toBe(1)
    expect(await brokenInvariants(lane.ground, expected), name).toEqual([])
    if (end !== 'aborted') {
      expect(await wrongRemovals(lane.ground, { id, asked }), name).toEqual([])
    }
  } finally {
    calls.close()
  }
}

/** What no client asks for, the worker of a server finds by itself. */
async function verified({ store, owner }: Ground, id: string): Promise<void> {
  for (let look = 0; look < 900; look++) {
    const session = await store.find({ owner, id }, Date.now())
    if (session?.upload.state !== 'verifying') return
    await sleep(100)
  }
  throw new Error('nobody has verified the object')
}

function play(lane: CrashLane, place: Place, fault: Fault): void {
  const { nth } = place
  const script = { nth, fault, attempts: 'first' } as const
  lane.toBucket.play(place.to === 'bucket' ? { ...script, call: place.call } : undefined)
  lane.toServer.play(place.to === 'server' ? { ...script, call: place.call } : undefined)
}
