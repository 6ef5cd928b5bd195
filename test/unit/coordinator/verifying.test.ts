import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Partway } from '../../../src/coordinator/partway.js'
import { S3_LIMITS } from '../../../src/protocol/index.js'
import { PartwayDriver } from '../../contract/partway-driver.js'
import { MemoryBucket } from '../../helpers/memory-bucket.js'
import { memoryServices } from '../../helpers/memory-services.js'
import { SampleFile } from '../../helpers/sample-file.js'

/** So that an object is more than one read. */
const CHUNK = 100_000
const LEASE_MS = 60_000
const SETTINGS = { limits: { ...S3_LIMITS, minPartSize: CHUNK }, leaseMs: LEASE_MS }

/** What happens to a verification on its way. */
describe('a verification', () => {
  const file = new SampleFile(3 * CHUNK)
  let bucket: MemoryBucket
  let driver: PartwayDriver
  let uploadId: string

  beforeEach(async () => {
    bucket = new MemoryBucket({ minPartSize: CHUNK })
    await bucket.start()
    driver = new PartwayDriver(memoryServices(bucket), { settings: SETTINGS })
  })
  afterEach(async () => {
    await bucket.stop()
    await driver.services.close()
  })

  async function verifying(fileHash: string): Promise<void> {
    const upload = await driver.init(file, { chunkSize: CHUNK, fileHash })
    uploadId = upload.uploadId
    await driver.sendAndReport(file, upload, [1, 2, 3])
    expect((await driver.complete(uploadId)).state).toBe('verifying')
  }

  const stateNow = async () => (await driver.status(uploadId)).state
  const isThere = async () => (await bucket.headObject(`${uploadId}/sample.bin`)).kind === 'found'

  function resume(partway: Partway = driver.partway, signal?: AbortSignal): Promise<void> {
    return partway.resume({ ...driver.caller, id: uploadId }, signal)
  }

  it('goes on where a connection broke off', async () => {
    await verifying(file.sha256)
    let breaks = 3
    bucket.onRead = (_, position) => {
      if (position > 0 && breaks-- > 0) throw new Error('reset')
    }
    await resume()
    expect(breaks).toBeLessThan(0)
    expect(await stateNow()).toBe('completed')
  })

  it('is neither right nor wrong while the bucket does not give the object, and comes back later', async () => {
    await verifying(file.sha256)
    driver.tap.before = (method) => {
      if (method === 'readObject') throw new Error('503')
    }
    for (const pauseMs of [LEASE_MS, 2 * LEASE_MS, 4 * LEASE_MS]) {
      await expect(resume()).rejects.toMatchObject({ code: 'BUCKET_UNAVAILABLE' })
      expect(await stateNow()).toBe('verifying')
      driver.clock.advance(pauseMs - 5_000)
      expect(await driver.due()).toEqual([])
      driver.clock.advance(5_000)
      expect(await driver.due()).toEqual([uploadId])
    }
    driver.tap.reset()
    await resume()
    expect(await stateNow()).toBe('completed')
  })

  it('is left to another process at once when its own stops', async () => {
    await verifying(file.sha256)
    const stopping = new AbortController()
    bucket.onRead = () => stopping.abort()
    await expect(resume(driver.partway, stopping.signal)).rejects.toThrow()
    bucket.onRead = () => {}
    expect(await driver.due()).toEqual([uploadId])
    await resume(driver.another())
    expect(await stateNow()).toBe('completed')
  })

  it('is taken over when its process has died, and the late one changes nothing', async () => {
    await verifying('ab'.repeat(32))
    const other = driver.another()
    let late = Promise.resolve()
    let isFirst = true
    driver.tap.before = (method) => {
      // The first reader has read all, and sleeps before it removes the object.
      if (method !== 'headObject' || !isFirst) return
      isFirst = false
      driver.clock.advance(LEASE_MS + 1)
      late = resume(other)
    }
    await resume()
    await late
    expect(await stateNow()).toBe('failed')
    expect(await isThere()).toBe(false)
    expect(driver.tap.count('removeObject')).toBe(1)
  })

  it('keeps its claim alive for as long as it reads', async () => {
    await verifying(file.sha256)
    const other = driver.another()
    bucket.onRead = async () => {
      driver.clock.advance(LEASE_MS / 2)
      await resume(other)
    }
    await resume()
    expect(await stateNow()).toBe('completed')
    expect(driver.tap.count('readObject')).toBe(1)
  })

  it('never removes an object that is not its own any more', async () => {
    await verifying('ab'.repeat(32))
    driver.tap.after = (method) => {
      if (method === 'readObject')
        bucket.replaceObject(`${uploadId}/sample.bin`, Buffer.from('other'))
    }
    await resume()
    expect(await stateNow()).toBe('failed')
    expect(await isThere()).toBe(true)
  })

  it('removes the object although the answer of the removal was lost', async () => {
    await verifying('ab'.repeat(32))
    driver.tap.after = (method) => {
      if (method === 'removeObject') throw new Error('reset')
    }
    await expect(resume()).rejects.toMatchObject({ code: 'BUCKET_UNAVAILABLE' })
    expect(await stateNow()).toBe('verifying')
    driver.tap.reset()
    driver.clock.advance(LEASE_MS)
    await resume()
    expect(await stateNow()).toBe('failed')
    expect(await isThere()).toBe(false)
  })
})

/** What a server that died left to others. */
describe('work that nobody finished', () => {
  const file = new SampleFile(2 * CHUNK)
  const bucket = new MemoryBucket({ minPartSize: CHUNK })
  let driver: PartwayDriver
  let uploadId: string

  beforeEach(async () => {
    await bucket.start()
    driver = new PartwayDriver(memoryServices(bucket), { settings: SETTINGS })
    const upload = await driver.init(file, { chunkSize: CHUNK })
    uploadId = upload.uploadId
    await driver.sendAndReport(file, upload, [1, 2])
  })
  afterEach(async () => {
    driver.tap.reset()
    await bucket.stop()
    await driver.services.close()
  })

  function loseAnswersOf(lost: string): void {
    driver.tap.after = (method) => {
      if (method === lost) throw new Error('timeout')
    }
  }

  async function takenUp(): Promise<string> {
    driver.tap.reset()
    expect(await driver.due()).toEqual([])
    driver.clock.advance(LEASE_MS)
    expect(await driver.due()).toEqual([uploadId])
    await driver.another().resume({ ...driver.caller, id: uploadId })
    expect(await driver.due()).toEqual([])
    return (await driver.status(uploadId)).state
  }

  it('is a completion of which the answer was lost', async () => {
    loseAnswersOf('headObject')
    await expect(driver.complete(uploadId)).rejects.toMatchObject({ code: 'BUCKET_UNAVAILABLE' })
    expect(await takenUp()).toBe('completed')
  })

  it('is an abort of which the answer was lost', async () => {
    loseAnswersOf('abortMultipartUpload')
    await expect(driver.abort(uploadId)).rejects.toMatchObject({ code: 'BUCKET_UNAVAILABLE' })
    expect(await takenUp()).toBe('aborted')
  })

  it('is an upload whose time is over, with its parts', async () => {
    driver.clock.advance(8 * 24 * 3_600_000)
    await driver.partway.resume({ ...driver.caller, id: uploadId })
    expect((await driver.status(uploadId)).state).toBe('expired')
    expect(await bucket.listMultipartUploads(`${uploadId}/sample.bin`)).toMatchObject({
      uploads: [],
    })
    expect(await driver.abort(uploadId)).toEqual({ uploadId, state: 'expired' })
  })

  it('is nothing that a client still works on', async () => {
    await driver.another().resume({ ...driver.caller, id: uploadId })
    expect((await driver.status(uploadId)).state).toBe('uploading')
  })
})
