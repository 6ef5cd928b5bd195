import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CleanUpReport } from '../../../src/coordinator/clean-up.js'
import { PartwayDriver } from '../../contract/partway-driver.js'
import { MemoryBucket } from '../../helpers/memory-bucket.js'
import { memoryServices } from '../../helpers/memory-services.js'
import { SampleFile } from '../../helpers/sample-file.js'

const DAY_MS = 24 * 60 * 60 * 1000
const TTL_MS = 7 * DAY_MS
const MIB = 1024 * 1024
const NOTHING: CleanUpReport = { expired: 0, kept: 0, failed: 0, forgotten: 0 }

describe('cleaning up', () => {
  let bucket: MemoryBucket
  let driver: PartwayDriver
  beforeEach(async () => {
    bucket = new MemoryBucket()
    await bucket.start()
    driver = new PartwayDriver(memoryServices(bucket))
  })
  afterEach(async () => {
    await driver.services.close()
    await bucket.stop()
  })

  const file = new SampleFile(6 * MIB)
  const cleanUp = (options = {}) => driver.partway.cleanUp({ pauseMs: 10, ...options })
  const stateOf = async (uploadId: string) =>
    (await driver.partway.status(driver.caller, { uploadId })).state

  it('gives up what is past its time: parts, room and record', async () => {
    const upload = await driver.init(file)
    await driver.sendAndReport(file, upload, [1])
    driver.clock.advance(TTL_MS - DAY_MS / 24)
    expect(await cleanUp()).toEqual(NOTHING)
    driver.clock.advance(DAY_MS)
    expect(await cleanUp()).toEqual({ ...NOTHING, expired: 1 })
    expect(bucket.openUploads()).toEqual([])
    expect(await stateOf(upload.uploadId)).toBe('expired')
    const { reservedBytes, openUploads } = await driver.partway.usage(driver.caller)
    expect([reservedBytes, openUploads]).toEqual([0, 0])
    expect(await cleanUp()).toEqual(NOTHING)
  })

  it('aborts at the bucket twice, with a pause, before the record says so', async () => {
    const { uploadId } = await driver.init(file)
    driver.clock.advance(TTL_MS + 1)
    const aborts: { readonly at: number; readonly state: string | undefined }[] = []
    bucket.onCall = async (name) => {
      if (name !== 'abortMultipartUpload') return
      const now = driver.clock.now()
      const ref = { owner: driver.caller.owner, id: uploadId }
      const found = await driver.services.store.find(ref, now)
      aborts.push({ at: now, state: found?.upload.state })
    }
    await cleanUp({ pauseMs: 5_000 })
    expect(aborts.map(({ state }) => state)).toEqual(['aborting', 'aborting'])
    const [first, second] = aborts
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(5_000)
  })

  it('leaves alone what somebody came back to in the last moment', async () => {
    const { store } = driver.services
    const upload = await driver.init(file)
    driver.clock.advance(TTL_MS + 1)
    const overdue = store.overdue.bind(store)
    store.overdue = async (query) => {
      const refs = await overdue(query)
      await driver.init(file)
      return refs
    }
    expect(await cleanUp()).toEqual({ ...NOTHING, kept: 1 })
    expect(bucket.calls).not.toContain('abortMultipartUpload')
    expect(await stateOf(upload.uploadId)).toBe('uploading')
    await driver.sendAndReport(file, upload, [1])
  })

  it('goes on with the others when one cannot be given up, and has that one done later', async () => {
    const first = await driver.init(file)
    driver.clock.advance(1)
    const second = await driver.init(new SampleFile(5 * MIB))
    driver.clock.advance(TTL_MS + 1)
    let isAway = true
    bucket.onCall = (name) => {
      if (name === 'abortMultipartUpload' && isAway) {
        isAway = false
        throw new Error('away')
      }
    }
    const failed: string[] = []
    const report = await cleanUp({ onFault: ({ id }: { id: string }) => failed.push(id) })
    expect(report).toEqual({ ...NOTHING, expired: 1, failed: 1 })
    expect([first.uploadId, second.uploadId]).toContain(failed[0])
    driver.clock.advance(10 * 60_000)
    for (const ref of await driver.partway.due(10)) await driver.partway.resume(ref)
    expect(bucket.openUploads()).toEqual([])
    expect(await stateOf(first.uploadId)).toBe('expired')
    expect(await stateOf(second.uploadId)).toBe('expired')
  })

  it('removes what a creator left that died before the record', async () => {
    bucket.after = (name) => {
      if (name === 'createMultipartUpload') throw new Error('the reply is lost')
    }
    await expect(driver.init(file)).rejects.toThrow()
    bucket.after = () => {}
    expect(bucket.openUploads()).toHaveLength(1)
    driver.clock.advance(TTL_MS + 1)
    expect(await cleanUp()).toEqual({ ...NOTHING, expired: 1 })
    expect(bucket.openUploads()).toEqual([])
    driver.clock.advance(10 * 60_000)
    expect(await cleanUp()).toEqual({ ...NOTHING, forgotten: 1 })
    expect((await driver.init(file)).state).toBe('uploading')
  })

  it('keeps an upload whose object is there after all', async () => {
    const upload = await driver.init(file)
    await driver.sendAndReport(
      file,
      upload,
      Array.from({ length: upload.totalChunks }, (_, i) => i + 1),
    )
    bucket.after = (name) => {
      if (name === 'completeMultipartUpload') throw new Error('the reply is lost')
    }
    const { settle } = driver.services.store
    driver.services.store.settle = async (ref, step) => {
      if (step.to === 'completed') throw new Error('the store is away')
      return settle.call(driver.services.store, ref, step)
    }
    await expect(
      driver.partway.complete(driver.caller, { uploadId: upload.uploadId }),
    ).rejects.toThrow()
    bucket.after = () => {}
    driver.services.store.settle = settle
    driver.clock.advance(TTL_MS + 1)
    expect((await cleanUp()).expired).toBe(0)
    for (const ref of await driver.partway.due(10)) await driver.partway.resume(ref)
    expect(await stateOf(upload.uploadId)).toBe('completed')
  })

  it('only tells in a dry run', async () => {
    const { uploadId } = await driver.init(file)
    driver.clock.advance(TTL_MS + 1)
    const told: string[] = []
    const options = { isDryRun: true, onUpload: ({ id }: { id: string }) => told.push(id) }
    expect(await cleanUp(options)).toEqual({ ...NOTHING, expired: 1 })
    expect(told).toEqual([uploadId])
    expect(bucket.openUploads()).toHaveLength(1)
    expect(bucket.calls).not.toContain('abortMultipartUpload')
  })

  it('gives up each upload once, however many do it at the same time', async () => {
    for (let size = 1; size <= 40; size++) await driver.init(new SampleFile(size))
    driver.clock.advance(TTL_MS + 1)
    const janitors = [driver.partway, driver.another(), driver.another()]
    const reports = await Promise.all(janitors.map((one) => one.cleanUp({ pauseMs: 10 })))
    expect(reports.reduce((sum, { expired }) => sum + expired, 0)).toBe(40)
    expect(reports.every(({ failed }) => failed === 0)).toBe(true)
    expect(bucket.openUploads()).toEqual([])
    expect(bucket.calls.filter((name) => name === 'abortMultipartUpload')).toHaveLength(80)
  })

  it('forgets records that have ended long ago', async () => {
    await driver.init(file)
    driver.clock.advance(TTL_MS + 1)
    await cleanUp()
    driver.clock.advance(TTL_MS + 1)
    expect(await cleanUp()).toEqual({ ...NOTHING, forgotten: 1 })
  })
})
