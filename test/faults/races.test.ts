import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needsService } from '../contract/needs-service.js'
import type { Intervention } from '../helpers/fault-proxy.js'
import { minioUrl, redisUrl, versitygwUrl } from '../helpers/services.js'
import { Signal } from '../helpers/signal.js'
import { waitABit } from './crash-lane.js'
import { countCases } from './faults-reporter.js'
import { brokenInvariants } from './invariants.js'
import { PatientClient } from './patient-client.js'
import { Payload } from './payload.js'
import { Fleet } from './server-fleet.js'
import type { StoreKind } from './stores.js'

const COMPLETES = 50
const ROUNDS = 40

const PLACES: readonly { bucket: string; url: string; store: StoreKind }[] = [
  { bucket: 'MinIO', url: minioUrl(), store: 'Redis' },
  { bucket: 'VersityGW', url: versitygwUrl(), store: 'SQLite' },
  { bucket: 'MinIO', url: minioUrl(), store: 'SQLite' },
  { bucket: 'VersityGW', url: versitygwUrl(), store: 'Redis' },
]

const payload = new Payload()
const small = new Payload(1)

for (const { bucket, url, store } of PLACES) {
  const service = store === 'Redis' && redisUrl() === '' ? 'Redis' : bucket
  needsService(service, service === 'Redis' ? '' : url, () => {
    describe(`three servers race, with ${store} and ${bucket}`, () => {
      let fleet: Fleet
      beforeAll(async () => {
        fleet = await Fleet.open({ bucketUrl: url, store, servers: 3 })
      })
      afterAll(() => fleet.close())
      const place = `${bucket} ${store}`

      it(`case: ${place} ${COMPLETES} completes give one object and equal answers`, () =>
        manyCompletes(fleet))

      it(`cases: ${place} complete and abort at once`, async ({ task }) => {
        for (let round = 1; round <= ROUNDS; round++) {
          await completeAndAbort(fleet, `case: ${place} complete and abort, round ${round}`)
        }
        countCases(task, ROUNDS)
      })

      it(`case: ${place} a server is stopped in its completion, which the bucket does at once`, () =>
        stoppedWhileCompleting(fleet, 'before it goes on'))

      it(`case: ${place} a server is stopped in its completion, which reaches the bucket late`, () =>
        stoppedWhileCompleting(fleet, 'after the others finished'))
    })
  })
}

async function manyCompletes(fleet: Fleet): Promise<void> {
  const client = clientOf(fleet, payload)
  const { uploadId } = await client.init()
  await client.send(payload.indexes)
  fleet.toBucket.play(undefined)
  const racing = Array.from({ length: COMPLETES }, (_, i) =>
    fleet.post(i % 3, '/upload/complete', { upload_id: uploadId }),
  )
  const answers = await Promise.all(racing)
  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
  expect(answers[0]?.status).toBe(200)
  expect(fleet.toBucket.count('CompleteMultipartUpload')).toBe(1)
  await client.complete()
  expect(await broken(fleet, client, { state: 'completed', of: payload })).toEqual([])
}

/** Whichever comes first, what the store says in the end is what the bucket holds. */
async function completeAndAbort(fleet: Fleet, name: string): Promise<void> {
  const client = clientOf(fleet, small)
  const { uploadId } = await client.init()
  await client.send([1])
  const [first, second] = [randomInt(3), randomInt(3)]
  const [leadMs, completesFirst] = [randomInt(8), randomInt(2) === 0]
  const call = async (path: string, server: number, isFirst: boolean) => {
    if (!isFirst) await sleep(leadMs)
    return fleet.post(server, path, { upload_id: uploadId })
  }
  const seed = `${name}; servers ${first} and ${second}, ${leadMs} ms, complete first: ${completesFirst}`
  const [completed, aborted] = await Promise.all([
    call('/upload/complete', first, completesFirst),
    call('/upload/abort', second, !completesFirst),
  ])
  const state = completed.status === 200 ? 'completed' : 'aborted'
  const said = `${seed}: ${completed.status} ${completed.text}, ${aborted.status} ${aborted.text}`
  expect([completed.status, aborted.status].sort(), said).toEqual([200, 409])
  expect(await broken(fleet, client, { state, of: small }), said).toEqual([])
}

/** SIGSTOP while it holds the claim; another takes over after the lease; SIGCONT: no lie, no harm. */
async function stoppedWhileCompleting(
  fleet: Fleet,
  applied: 'before it goes on' | 'after the others finished',
): Promise<void> {
  const client = clientOf(fleet, payload, 1)
  const { uploadId } = await client.init()
  await client.send(payload.indexes)
  const stopped = new Signal()
  const finished = new Signal()
  const holdStopped = async (): Promise<Intervention> => {
    fleet.signal(0, 'SIGSTOP')
    stopped.give()
    if (applied === 'after the others finished') await finished.given
    return 'pass'
  }
  const call = 'CompleteMultipartUpload'
  fleet.toBucket.play({ call, nth: 1, attempts: 'first', fault: { before: holdStopped } })
  const late = fleet.post(0, '/upload/complete', { upload_id: uploadId })
  await stopped.given
  try {
    await completeByAnother(client)
    expect(await broken(fleet, client, { state: 'completed', of: payload })).toEqual([])
  } finally {
    finished.give()
    fleet.signal(0, 'SIGCONT')
  }
  const { status, text } = await late
  await fleet.toBucket.settled()
  expect(status, text).toBe(200)
  expect(JSON.parse(text)).toMatchObject({ state: 'completed' })
  await client.complete()
  expect(client.told).toHaveLength(2)
  expect(JSON.parse(text).object.etag).toBe(client.told[0]?.object?.etag)
  expect(await broken(fleet, client, { state: 'completed', of: payload })).toEqual([])
}

async function completeByAnother(client: PatientClient): Promise<void> {
  if ((await client.complete()) !== 'completed')
    throw new Error('the other server was refused the completion')
}

function clientOf(fleet: Fleet, of: Payload, server = 0): PatientClient {
  const calls = fleet.calls(server)
  return new PatientClient({ calls, payload: of, mode: 'sha256', wait: waitABit })
}

function broken(
  fleet: Fleet,
  { uploadId: id, told, states }: PatientClient,
  { state, of }: { readonly state: 'completed' | 'aborted'; readonly of: Payload },
): Promise<string[]> {
  const { served } = fleet.toBucket
  const expected = { id, state, mode: 'sha256', payload: of, served, told, states } as const
  return brokenInvariants(fleet.ground, expected)
}
