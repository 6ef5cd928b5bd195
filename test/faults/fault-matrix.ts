import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectS3 } from '../../src/bucket/index.js'
import { createPartway } from '../../src/coordinator/create-partway.js'
import type { ChecksumMode } from '../../src/protocol/index.js'
import { openSqliteSessionStore } from '../../src/sessions/sqlite/index.js'
import { FaultProxy, type FaultScript } from '../helpers/fault-proxy.js'
import { type S3CallName, s3CallOf } from '../helpers/s3-call.js'
import { faultsOf, PATIENCE_MS } from '../helpers/s3-faults.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { TestClock } from '../helpers/test-clock.js'
import { brokenInvariants, wrongAborts } from './invariants.js'
import { PatientClient } from './patient-client.js'
import { Payload } from './payload.js'
import { callsOf } from './upload-calls.js'

interface Scenario {
  readonly name: string
  readonly mode: ChecksumMode
  readonly end: 'completed' | 'aborted'
  /** What a run without faults asks of the bucket, server and client together. */
  readonly calls: readonly S3CallName[]
}

/** What `init` asks before it opens anything: both at once, so in either order. */
const OPENING: readonly S3CallName[] = ['HeadObject', 'ListMultipartUploads']

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'upload sha256',
    mode: 'sha256',
    end: 'completed',
    calls: [
      ...OPENING,
      'CreateMultipartUpload',
      'UploadPart',
      'ListParts',
      'UploadPart',
      'UploadPart',
      'CompleteMultipartUpload',
      'HeadObject',
    ],
  },
  {
    name: 'upload none',
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
    name: 'abort sha256',
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
  return scenario.calls.flatMap((call) => {
    const nth = (seen.get(call) ?? 0) + 1
    seen.set(call, nth)
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

const payload = new Payload()

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
  const limits = { timeoutMs: PATIENCE_MS, completeTimeoutMs: PATIENCE_MS }
  const { bucket, signer, close } = connectS3({ ...fixture, endpoint, ...limits })
  const store = openSqliteSessionStore(':memory:')
  const clock = new TestClock()
  const secret = 'a secret of thirty-two bytes or more'
  const settings = { leaseMs: 4_000 }
  const partway = createPartway({ store, bucket, signer, secret, clock, settings })
  const caller = { owner: 'matrix' }
  const { mode } = scenario
  const wait = async (ms: number): Promise<void> => {
    clock.advance(ms)
    await sleep(10)
  }
  const client = new PatientClient({ calls: callsOf(partway, caller), payload, mode, wait })
  proxy.play(script)
  try {
    if (scenario.end === 'completed') await client.upload()
    else if (!(await client.abandon())) throw new Error('the upload was not aborted')
    await proxy.settled()
    const ground = { client: fixture.client, bucket: fixture.bucket, store, ...caller }
    const { told, states, uploadId: id } = client
    const { served, asked } = proxy
    const expected = { id, state: scenario.end, mode, payload, served, told, states }
    const broken = await brokenInvariants(ground, expected)
    if (scenario.end === 'completed') broken.push(...(await wrongAborts(ground, { id, asked })))
    return { struck: proxy.struck, calls: [...proxy.calls], broken }
  } finally {
    await partway.close()
    close()
    await proxy.stop()
  }
}
