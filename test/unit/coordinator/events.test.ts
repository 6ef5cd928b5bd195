import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPartway, type PartwayOptions } from '../../../src/coordinator/create-partway.js'
import type { EventSettings } from '../../../src/coordinator/events.js'
import type { EventRef } from '../../../src/coordinator/ports.js'
import {
  EVENT_TYPES,
  type InitReply,
  S3_LIMITS,
  toCamel,
  type WebhookEvent,
  webhookEvent,
} from '../../../src/protocol/index.js'
import { SqliteSessionStore } from '../../../src/sessions/sqlite/index.js'
import { PartwayDriver, refusalOf } from '../../contract/partway-driver.js'
import { MemoryBucket } from '../../helpers/memory-bucket.js'
import { memoryServices } from '../../helpers/memory-services.js'
import { SampleFile } from '../../helpers/sample-file.js'

const CHUNK = 100_000
const SETTINGS = { limits: { ...S3_LIMITS, minPartSize: CHUNK } }
const WRONG = createHash('sha256').update('another file').digest('hex')

describe('the events of an upload', () => {
  const file = new SampleFile(2 * CHUNK)
  const noted: EventRef[] = []
  let bucket: MemoryBucket
  let driver: PartwayDriver

  function drive(events: Partial<EventSettings> = {}): void {
    const all = { targets: ['1'], onEvent: (ref: EventRef) => noted.push(ref), ...events }
    driver = new PartwayDriver(memoryServices(bucket), { settings: SETTINGS, events: all })
  }
  beforeEach(async () => {
    bucket = new MemoryBucket({ minPartSize: CHUNK })
    await bucket.start()
    drive()
  })
  afterEach(async () => {
    noted.length = 0
    await bucket.stop()
    await driver.services.close()
  })

  /** What was written and not looked at yet, in no order. */
  async function written(target = '1'): Promise<WebhookEvent[]> {
    const { store } = driver.services
    if (!(store instanceof SqliteSessionStore)) throw new Error('not the store of the test')
    const now = driver.clock.now()
    const refs = await store.outbox.due({ target, now, limit: 100 })
    const events = refs.map(async (ref) => {
      const claim = await store.outbox.claim(ref, { now, leaseMs: 365 * 24 * 3_600_000 })
      const sent = JSON.parse(claim?.event.payload ?? '')
      // The schema leaves out what it does not know: nothing may be sent besides.
      expect(sent).toEqual(webhookEvent.parse(sent))
      return toCamel(webhookEvent.parse(sent))
    })
    return Promise.all(events)
  }
  const types = async (target?: string) => (await written(target)).map(({ type }) => type).sort()

  async function sent(request: Parameters<PartwayDriver['init']>[1] = {}): Promise<InitReply> {
    const upload = await driver.init(file, { chunkSize: CHUNK, ...request })
    await driver.sendAndReport(file, upload, [1, 2])
    return upload
  }
  const resume = (id: string) => driver.partway.resume({ ...driver.caller, id })

  it('say what its client is told', async () => {
    const metadata = { album: 'one/two', some_key: 'é' }
    const { uploadId } = await sent({ contentType: 'video/mp4', metadata })
    expect(await types()).toEqual([])
    const reply = await driver.complete(uploadId)
    expect(noted).toEqual([
      { owner: driver.caller.owner, id: expect.stringMatching(/^msg_[\w-]{20,}$/), target: '1' },
    ])
    expect(await written()).toEqual([
      {
        type: 'upload.completed',
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        data: {
          uploadId,
          owner: driver.caller.owner,
          state: 'completed',
          filename: 'sample.bin',
          size: file.size,
          checksum: 'sha256',
          contentType: 'video/mp4',
          metadata,
          object: reply.object,
        },
      },
    ])
    await driver.complete(uploadId)
    expect(await types()).toEqual([])
  })

  it('are completed and verified at once where the hash of the file is right', async () => {
    const { uploadId } = await sent({ fileHash: file.sha256 })
    expect(await driver.complete(uploadId)).toMatchObject({ state: 'verifying' })
    expect(await types()).toEqual([])
    await resume(uploadId)
    const events = await written()
    expect(events.map(({ type }) => type).sort()).toEqual(['upload.completed', 'upload.verified'])
    for (const { data } of events) expect(data.object?.sha256).toBe(file.sha256)
  })

  it('are failed alone where the hash of the file is wrong', async () => {
    const { uploadId } = await sent({ fileHash: WRONG })
    await driver.complete(uploadId)
    await resume(uploadId)
    expect(await written()).toMatchObject([
      { type: 'upload.failed', data: { uploadId, state: 'failed' } },
    ])
  })

  it('are verified alone where it was completed before, and only when that is new', async () => {
    const { uploadId } = await sent()
    await driver.complete(uploadId)
    expect(await types()).toEqual(['upload.completed'])
    await driver.complete(uploadId, { expectedHash: file.sha256 })
    await resume(uploadId)
    expect(await types()).toEqual(['upload.verified'])
    // Two who ask at once may have it looked at twice.
    const { store } = driver.services
    const claim = { to: 'verifying', now: driver.clock.now(), leaseMs: 0 } as const
    await store.claim({ ...driver.caller, id: uploadId }, { ...claim, expectedHash: file.sha256 })
    await resume(uploadId)
    expect((await driver.status(uploadId)).state).toBe('completed')
    expect(await types()).toEqual([])
  })

  it('are none where what was completed has another hash than somebody thinks', async () => {
    const { uploadId } = await sent()
    await driver.complete(uploadId)
    await types()
    await driver.complete(uploadId, { expectedHash: WRONG })
    await resume(uploadId)
    expect((await driver.status(uploadId)).state).toBe('completed')
    expect(await types()).toEqual([])
  })

  it('are the same for content that need not be sent', async () => {
    const first = await sent({ fileHash: file.sha256 })
    await driver.complete(first.uploadId)
    await resume(first.uploadId)
    await types()
    const twin = await driver.init(file, { filename: 'b.bin', fileHash: file.sha256 })
    expect(twin.state).toBe('completed')
    const events = await written()
    expect(events.map(({ type }) => type).sort()).toEqual(['upload.completed', 'upload.verified'])
    for (const { data } of events) {
      expect(data).toMatchObject({ uploadId: twin.uploadId, object: { key: twin.object?.key } })
    }
  })

  it('are completed for an object whose record was lost', async () => {
    const { uploadId } = await sent()
    await driver.complete(uploadId)
    await driver.loseStore()
    expect((await driver.init(file, { chunkSize: CHUNK })).state).toBe('completed')
    expect(await types()).toEqual(['upload.completed'])
  })

  it('are aborted for one that is given up, once', async () => {
    const { uploadId } = await sent()
    await driver.abort(uploadId)
    await driver.abort(uploadId)
    expect(await written()).toMatchObject([{ type: 'upload.aborted', data: { uploadId } }])
  })

  it('are expired for one past its time, and none while it goes on', async () => {
    const { uploadId } = await sent()
    driver.clock.advance(8 * 24 * 3_600_000)
    await driver.partway.cleanUp({ pauseMs: 1 })
    expect(await written()).toMatchObject([
      { type: 'upload.expired', data: { uploadId, state: 'expired' } },
    ])
  })

  it('are none for a completion that is refused', async () => {
    const upload = await driver.init(file, { chunkSize: CHUNK })
    await driver.sendAndReport(file, upload, [1])
    expect((await refusalOf(driver.complete(upload.uploadId))).code).toBe('PARTS_MISSING')
    expect(await types()).toEqual([])
  })

  it('are written once for each receiver, of the types that are wanted', async () => {
    drive({ targets: ['a', 'b'], types: ['upload.verified'] })
    const { uploadId } = await sent({ fileHash: file.sha256 })
    await driver.complete(uploadId)
    await resume(uploadId)
    expect(new Set(noted.map(({ id }) => id)).size).toBe(1)
    for (const target of ['a', 'b']) expect(await types(target)).toEqual(['upload.verified'])
    expect(await types()).toEqual([])
  })

  it('are written by one of many who complete it at once', async () => {
    const { uploadId } = await sent()
    const others = [driver.partway, driver.another(), driver.another()]
    await Promise.all(others.map((one) => one.complete(driver.caller, { uploadId })))
    expect(await types()).toEqual(['upload.completed'])
  })

  it('are of the types that the protocol names', () => {
    const states = ['completed', 'failed', 'aborted', 'expired', 'verified']
    expect([...EVENT_TYPES].sort()).toEqual(states.map((state) => `upload.${state}`).sort())
  })

  it.each([
    ['a receiver without a name', ['']],
    ['a name that no store can have', ['a:b']],
    ['two receivers of one name', ['a', 'a']],
  ])('are not written for %s', (_, targets) => {
    const { store, signer } = driver.services
    const options: PartwayOptions = { store, signer, bucket, secret: 'x'.repeat(32) }
    expect(() => createPartway({ ...options, events: { targets } })).toThrow(TypeError)
  })
})
