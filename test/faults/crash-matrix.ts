import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChecksumMode, RouteName } from '../../src/protocol/index.js'
import { needsService } from '../contract/needs-service.js'
import type { Fault } from '../helpers/fault-proxy.js'
import type { S3CallName } from '../helpers/s3-call.js'
import { minioUrl, redisUrl, versitygwUrl } from '../helpers/services.js'
import { CrashLane, waitABit } from './crash-lane.js'
import { brokenInvariants, wrongAborts } from './invariants.js'
import { PatientClient } from './patient-client.js'
import { Payload } from './payload.js'
import type { StoreKind } from './stores.js'

/** Where the server dies: at a call of its own to the bucket, or at a call of its client. */
type Place =
  | { readonly to: 'bucket'; readonly call: S3CallName; readonly nth: number }
  | { readonly to: 'server'; readonly call: RouteName; readonly nth: number }

interface Point {
  readonly name: string
  readonly end: 'completed' | 'aborted'
  readonly mode: ChecksumMode
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

type Way = Pick<Point, 'end' | 'mode'>
const UPLOAD: Way = { end: 'completed', mode: 'sha256' }
const UPLOAD_NONE: Way = { end: 'completed', mode: 'none' }
const ABORT: Way = { end: 'aborted', mode: 'sha256' }

/** Both sides of a call that the server makes of the bucket. */
function atBucket(use: string, way: Way, call: S3CallName, nth = 1): Point[] {
  const place: Place = { to: 'bucket', call, nth }
  return [
    { ...way, place, name: `${use}: before ${call}`, fault: before },
    { ...way, place, name: `${use}: after ${call}, before its answer arrives`, fault: after },
  ]
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
  ...atBucket('abort', ABORT, 'AbortMultipartUpload'),
  ...atBucket('abort', ABORT, 'ListParts'),
  ...atBucket('abort', ABORT, 'HeadObject', 2),
  ...atReply('abort', ABORT, 'abort'),
]

const LANES: readonly { bucket: string; url: string; store: StoreKind }[] = [
  { bucket: 'MinIO', url: minioUrl(), store: 'Redis' },
  { bucket: 'VersityGW', url: versitygwUrl(), store: 'SQLite' },
  { bucket: 'MinIO', url: minioUrl(), store: 'SQLite' },
  { bucket: 'VersityGW', url: versitygwUrl(), store: 'Redis' },
]

const payload = new Payload()

for (const { bucket, url, store } of LANES) {
  const service = store === 'Redis' && redisUrl() === '' ? 'Redis' : bucket
  needsService(service, service === 'Redis' ? '' : url, () => {
    describe.concurrent(`the server is killed, with ${store} and ${bucket}`, () => {
      let lane: CrashLane
      beforeAll(async () => {
        lane = await CrashLane.open({ bucketUrl: url, store })
      })
      afterAll(() => lane.close())

      for (const point of POINTS) {
        const name = `case: ${bucket} ${store} ${point.name}`
        it(name, () => lane.inTurn((mine) => survives(mine, point, name)))
      }
    })
  })
}

async function survives(lane: CrashLane, point: Point, name: string): Promise<void> {
  const { end, mode, place } = point
  const calls = lane.calls()
  const client = new PatientClient({ calls, payload, mode, wait: waitABit })
  play(lane, place, point.fault(lane))
  try {
    if (end === 'completed') await client.upload()
    else expect(await client.abandon(), name).toBe(true)
    await lane.settled()
    const { told, states, uploadId: id } = client
    const { served, asked } = lane.toBucket
    const expected = { id, state: end, mode, payload, served, told, states }
    expect(lane.kills, `${name}: the server was not killed`).toBe(1)
    expect(await brokenInvariants(lane.ground, expected), name).toEqual([])
    if (end === 'completed') {
      expect(await wrongAborts(lane.ground, { id, asked }), name).toEqual([])
    }
  } finally {
    calls.close()
  }
}

function play(lane: CrashLane, place: Place, fault: Fault): void {
  const { nth } = place
  const script = { nth, fault, attempts: 'first' } as const
  lane.toBucket.play(place.to === 'bucket' ? { ...script, call: place.call } : undefined)
  lane.toServer.play(place.to === 'server' ? { ...script, call: place.call } : undefined)
}
