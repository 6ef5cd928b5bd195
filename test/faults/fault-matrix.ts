import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectS3 } from '../../src/bucket/index.js'
import { createPartway } from '../../src/coordinator/create-partway.js'
import type { Partway } from '../../src/coordinator/partway.js'
import { UploadError } from '../../src/coordinator/upload-error.js'
import type { ChecksumMode } from '../../src/protocol/index.js'
import { openSqliteSessionStore } from '../../src/sessions/sqlite/index.js'
import { FaultProxy, type FaultScript } from '../helpers/fault-proxy.js'
import { type S3CallName, s3CallOf } from '../helpers/s3-call.js'
import { faultsOf, PATIENCE_MS } from '../helpers/s3-faults.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { TestClock } from '../helpers/test-clock.js'
import { brokenInvariants, wrongRemovals } from './invariants.js'
import { PatientClient } from './patient-client.js'
import { Payload } from './payload.js'
import { callsOf } from './upload-calls.js'

interface Scenario {
  readonly name: string
  readonly mode: ChecksumMode
  readonly payload: Payload
  readonly end: 'completed' | 'failed' | 'aborted'
  /** What a run without faults asks of the bucket, server and client together. */
  readonly calls: readonly S3CallName[]
  /** The first call that meets with faults: what comes before is another scenario's. @default the first */
  readonly from?: S3CallName
  /** That of the file, or that of another. */
  readonly hashes?: { readonly fileHash?: string; readonly expectedHash?: string }
}

/** What `init` asks before it opens anything: both at once, so in either order. */
const OPENING: readonly S3CallName[] = ['HeadObject', 'ListMultipartUploads']

const UPLOAD: readonly S3CallName[] = [
  ...OPENING,
  'CreateMultipartUpload',
  'UploadPart',
  'ListParts',
  'UploadPart',
  'UploadPart',
  'CompleteMultipartUpload',
  'HeadObject',
]

/** The same, of two parts. */
const SMALL_UPLOAD: readonly S3CallName[] = UPLOAD.filter(
  (call, position) => call !== 'UploadPart' || position !== UPLOAD.lastIndexOf(call),
)

const payload = new Payload()
const small = new Payload(2)

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'upload sha256',
    payload,
    mode: 'sha256',
    end: 'completed',
    calls: UPLOAD,
  },
  {
    name: 'upload none',
    payload,
    mode: 'none',
    end: 'completed',
    calls: [
      ...OPENING,
      'CreateMultipartUpload',
      'UploadPart',
      'ListParts',
      'UploadPart',
      'UploadPart',
      'ListParts',
      'CompleteMultipartUpload',
      'HeadObject',
    ],
  },
  {
    name: 'upload with the right hash',
    payload: small,
    mode: 'sha256',
    end: 'completed',
    calls: [...SMALL_UPLOAD, 'GetObject'],
    from: 'CompleteMultipartUpload',
    hashes: { expectedHash: small.sha256 },
  },
  {
    name: 'upload with a wrong hash',
    payload: small,
    mode: 'sha256',
    end: 'failed',
    calls: [...SMALL_UPLOAD, 'GetObject', 'HeadObject', 'HeadObject', 'DeleteObject'],
    from: 'CompleteMultipartUpload',
    hashes: { fileHash: new Payload(1).sha256 },
  },
  {
    name: 'abort sha256',
    payload,
    mode: 'sha256',
    end: 'aborted',
    calls: [
      ...OPENING,
      'CreateMultipartUpload',
      'UploadPart',
      'AbortMultipartUpload',
      'ListParts',
      'HeadObject',
    ],
  },
]

/** Where nothing goes wrong, a slow machine must not look like a fault. */
const LONG_PATIENCE_MS = 30_000

/** These the SDK does not repeat: a client sends its parts by itself, and a completion is sent once. */
const SENT_ONCE: readonly S3CallName[] = ['UploadPart', 'CompleteMultipartUpload']

interface Case {
  readonly name: string
  readonly scenario: Scenario
  readonly script: FaultScript<S3CallName>
}

/** Every call of every scenario, with every fault that it can meet. */
function casesOf(scenario: Scenario): Case[] {
  const seen = new Map<S3CallName, number>()
  const first = scenario.from === undefined ? 0 : scenario.calls.indexOf(scenario.from)
  return scenario.calls.flatMap((call, position) => {
    const nth = (seen.get(call) ?? 0) + 1
    seen.set(call, nth)
    if (position < first) return []
    return faultsOf(call).flatMap(([faultName, fault]) => {
      // After an abort there is no list that could be truncated.
      if (scenario.end === 'aborted' && faultName.startsWith('truncated')) return []
      // Who gave up makes no further attempt.
      const isOnce = SENT_ONCE.includes(call) || faultName.endsWith('gave-up')
      const attempts = isOnce ? (['first'] as const) : (['first', 'all'] as const)
      return attempts.map((which) => ({
        name: `${scenario.name} ${call}#${nth} ${faultName}${which === 'all' ? ' every attempt' : ''}`,
        scenario,
        script: { call, nth, fault, attempts: which },
      }))
    })
  })
}

/** Every fault on every call of an upload, on one kind of bucket. */
export function faultMatrix(service: string, bucketUrl: string): void {
  describe.concurrent(`the fault matrix on ${service}`, () => {
    let fixture: TestBucket
    beforeAll(async () => {
      fixture = await createTestBucket(bucketUrl)
    })
    afterAll(() => fixture.remove())

    for (const scenario of SCENARIOS) {
      it(`case: ${service} ${scenario.name} without a fault makes the calls of the matrix`, async () => {
        const { calls, broken } = await run(fixture, scenario)
        expect(broken).toEqual([])
        const opening = calls.slice(0, OPENING.length).sort()
        expect([...opening, ...calls.slice(OPENING.length)]).toEqual(scenario.calls)
      })

      for (const { name, script } of casesOf(scenario)) {
        it(`case: ${service} ${name}`, async () => {
          const { struck, calls, broken } = await run(fixture, scenario, script)
          expect(struck, `case: ${service} ${name}: the fault did not happen`).toBeGreaterThan(0)
          expect(broken, `case: ${service} ${name}; calls: ${calls.join(', ')}`).toEqual([])
        })
      }
    }
  })
}

interface Outcome {
  readonly struck: number
  readonly calls: readonly S3CallName[]
  readonly broken: readonly string[]
}

async function run(
  fixture: TestBucket,
  scenario: Scenario,
  script?: FaultScript<S3CallName>,
): Promise<Outcome> {
  const proxy = new FaultProxy({ target: fixture.endpoint, nameOf: s3CallOf })
  const endpoint = await proxy.start()
  const patienceMs = script === undefined ? LONG_PATIENCE_MS : PATIENCE_MS
  const limits = {
    timeoutMs: patienceMs,
    completeTimeoutMs: patienceMs,
    idleTimeoutMs: patienceMs,
  }
  const { bucket, signer, close } = connectS3({ ...fixture, endpoint, ...limits })
  const store = openSqliteSessionStore(':memory:')
  const clock = new TestClock()
  const secret = 'a secret of thirty-two bytes or more'
  const settings = { leaseMs: 4_000 }
  const partway = createPartway({ store, bucket, signer, secret, clock, settings })
  const caller = { owner: 'matrix' }
  const { mode, hashes, payload } = scenario
  const wait = async (ms: number): Promise<void> => {
    clock.advance(ms)
    if (hashes !== undefined) await workOn(partway)
    await sleep(10)
  }
  const calls = callsOf(partway, caller)
  const client = new PatientClient({ calls, payload, mode, wait, patienceMs, ...hashes })
  proxy.play(script)
  try {
    if (scenario.end === 'aborted') await abandon(client)
    else await client.upload()
    await proxy.settled()
    const ground = { client: fixture.client, bucket: fixture.bucket, store, ...caller }
    const { told, states, uploadId: id } = client
    const { served, asked } = proxy
    const seen = { payload, served, told, states }
    const sha256 = scenario.end === 'completed' ? hashes?.expectedHash : undefined
    const hash = sha256 === undefined ? {} : { sha256 }
    const expected = { id, state: scenario.end, mode, ...seen, ...hash }
    const broken = await brokenInvariants(ground, expected)
    if (scenario.end !== 'aborted') broken.push(...(await wrongRemovals(ground, { id, asked })))
    return { struck: proxy.struck, calls: [...proxy.calls], broken }
  } finally {
    await partway.close()
    close()
    await proxy.stop()
  }
}

async function abandon(client: PatientClient): Promise<void> {
  if (!(await client.abandon())) throw new Error('the upload was not aborted')
}

/** What a server's worker does: whatever is due, and what fails is due again later. */
async function workOn(partway: Partway): Promise<void> {
  for (const ref of await partway.due(10)) {
    await partway.resume(ref).catch((fault: unknown) => {
      if (!(fault instanceof UploadError)) throw fault
    })
  }
}
