import { describe, expect, it } from 'vitest'
import { objectDigest } from '../../src/checksum/object-digest.js'
import type { Limits } from '../../src/coordinator/limits.js'
import { MIB } from '../../src/protocol/index.js'
import { SampleFile } from '../helpers/sample-file.js'
import { PartwayDriver, type PartwayServices, refusalOf } from './partway-driver.js'

const PART = 5 * MIB
const DAY_MS = 24 * 3_600_000
const EMPTY = { openUploads: 0, reservedBytes: 0, storedBytes: 0 }

/** What an owner may have, from the first request of an upload to its end. */
export function limitsContract(services: () => PartwayServices): void {
  const limited = (limits: Limits) => new PartwayDriver(services(), { limits })

  async function stored(driver: PartwayDriver, file: SampleFile, request = {}): Promise<string> {
    const { uploadId } = await driver.init(file, request)
    await sendAll(driver, file, uploadId)
    expect((await driver.complete(uploadId)).state).toBe('completed')
    return uploadId
  }

  async function sendAll(driver: PartwayDriver, file: SampleFile, uploadId: string) {
    await driver.sendAndReport(file, { ...(await driver.status(uploadId)) }, [1])
  }

  describe('an owner at a limit', () => {
    it('is told the numbers, and may begin again after an abort', async () => {
      const driver = limited({ maxOpenUploads: 2 })
      const first = await driver.init(new SampleFile(10))
      await driver.init(new SampleFile(10))
      const file = new SampleFile(10)
      const refusal = await refusalOf(driver.init(file))
      const numbers = { limit: 'max_open_uploads', max: 2, used: 2, asked: 1 }
      expect(refusal).toMatchObject({ code: 'LIMIT_REACHED', details: numbers })
      expect(refusal.details.retryAfterMs).toBeGreaterThan(0)
      expect(refusal.message).toContain('2 uploads under way')
      await driver.abort(first.uploadId)
      expect((await driver.init(file)).state).toBe('uploading')
    })

    it('asks nothing of the bucket by being refused', async () => {
      const driver = limited({ maxReservedBytes: 9 })
      expect((await refusalOf(driver.init(new SampleFile(10)))).code).toBe('QUOTA_EXCEEDED')
      expect(driver.tap.calls).toEqual([])
    })

    it('has as much room under way as is free, to the byte', async () => {
      const driver = limited({ maxReservedBytes: 3 * MIB })
      const first = await driver.init(new SampleFile(2 * MIB))
      const refusal = await refusalOf(driver.init(new SampleFile(MIB + 1)))
      const numbers = { limit: 'max_reserved_bytes', max: 3 * MIB, used: 2 * MIB, asked: MIB + 1 }
      expect(refusal).toMatchObject({ code: 'LIMIT_REACHED', details: numbers })
      expect(refusal.message).toContain('3 MiB in all, and have 2 MiB')
      const fitting = new SampleFile(MIB)
      await driver.init(fitting)
      await driver.abort(first.uploadId)
      expect(await driver.usage()).toMatchObject({ openUploads: 1, reservedBytes: MIB })
    })

    it('has the room back when an upload expires, and takes it again by going on', async () => {
      const driver = limited({ maxOpenUploads: 1 })
      const file = new SampleFile(10)
      const { uploadId } = await driver.init(file)
      driver.clock.advance(7 * DAY_MS + 1)
      expect((await driver.status(uploadId)).state).toBe('expired')
      expect(await driver.usage()).toMatchObject(EMPTY)
      const other = await driver.init(new SampleFile(20))
      expect(await refusalOf(driver.init(file))).toMatchObject({ code: 'LIMIT_REACHED' })
      await driver.abort(other.uploadId)
      expect(await driver.init(file)).toMatchObject({ uploadId, state: 'uploading' })
      expect(await driver.usage()).toMatchObject({ openUploads: 1, reservedBytes: 10 })
    })

    it('has the room back when an upload fails', async () => {
      const driver = limited({ maxOpenUploads: 1 })
      const file = new SampleFile(10)
      const { uploadId } = await driver.init(file, { fileHash: '0'.repeat(64) })
      await sendAll(driver, file, uploadId)
      expect((await driver.complete(uploadId)).state).toBe('verifying')
      expect(await driver.usage()).toMatchObject({ openUploads: 1, reservedBytes: 10 })
      await driver.partway.resume({ ...driver.caller, id: uploadId })
      expect((await driver.status(uploadId)).state).toBe('failed')
      expect(await driver.usage()).toMatchObject(EMPTY)
    })

    it('has the room back soon after the bucket did not open an upload', async () => {
      const away = new Proxy(services().bucket, {
        get: (bucket, name) => {
          if (name === 'createMultipartUpload') return () => Promise.reject(new Error('away'))
          const member: unknown = Reflect.get(bucket, name)
          return typeof member === 'function' ? member.bind(bucket) : member
        },
      })
      const driver = new PartwayDriver(
        { ...services(), bucket: away },
        { limits: { maxOpenUploads: 1, maxUploadsPerDay: 1 } },
      )
      expect((await refusalOf(driver.init(new SampleFile(10)))).code).toBe('BUCKET_UNAVAILABLE')
      expect((await refusalOf(driver.init(new SampleFile(10)))).code).toBe('LIMIT_REACHED')
      driver.clock.advance(15_000)
      expect(await driver.usage()).toEqual({ ...EMPTY, uploadsToday: 0 })
    })

    it('pays for what is stored once, however often a part is sent', async () => {
      const driver = limited({ maxStoredBytes: 15 })
      const file = new SampleFile(10)
      const { uploadId } = await driver.init(file)
      for (let times = 0; times < 3; times++) await sendAll(driver, file, uploadId)
      expect(await driver.usage()).toMatchObject({ ...EMPTY, openUploads: 1, reservedBytes: 10 })
      for (let times = 0; times < 2; times++) await driver.complete(uploadId)
      expect(await driver.usage()).toMatchObject({ ...EMPTY, storedBytes: 10 })
      const refusal = await refusalOf(driver.init(new SampleFile(6)))
      const numbers = { limit: 'max_stored_bytes', max: 15, used: 10, asked: 6 }
      expect(refusal).toMatchObject({ code: 'QUOTA_EXCEEDED', status: 413, details: numbers })
    })

    it('begins so many uploads a day, and more on the next', async () => {
      const driver = limited({ maxUploadsPerDay: 2 })
      for (let count = 0; count < 2; count++) {
        await driver.abort((await driver.init(new SampleFile(10))).uploadId)
      }
      const file = new SampleFile(10)
      const refusal = await refusalOf(driver.init(file))
      const { limit, retryAfterMs = 0 } = refusal.details
      expect([refusal.code, limit]).toEqual(['LIMIT_REACHED', 'max_uploads_per_day'])
      driver.clock.advance(retryAfterMs)
      expect((await driver.init(file)).state).toBe('uploading')
    })

    it('gets, of many requests at once, as many uploads as there may be', async () => {
      const driver = limited({ maxOpenUploads: 3 })
      const files = Array.from({ length: 60 }, () => new SampleFile(10))
      const all = await Promise.all(
        files.map((file) => driver.init(file).catch((error: { code: string }) => error.code)),
      )
      expect(all.filter((outcome) => outcome === 'LIMIT_REACHED')).toHaveLength(57)
      expect(await driver.usage()).toMatchObject({ openUploads: 3, reservedBytes: 30 })
    })
  })

  describe('limits of the caller', () => {
    const as = (driver: PartwayDriver, limits: Limits) => ({ ...driver.caller, limits })

    it('take the place of the server’s, field by field', async () => {
      const driver = limited({ maxOpenUploads: 0, maxReservedBytes: 10 })
      const wide = as(driver, { maxOpenUploads: 5 })
      const { reply } = await driver.partway.init(wide, driver.request(new SampleFile(10)))
      expect(reply.state).toBe('uploading')
      const more = driver.partway.init(wide, driver.request(new SampleFile(10)))
      expect((await refusalOf(more)).details.limit).toBe('max_reserved_bytes')
    })

    it.each<[Limits, string]>([
      [{ maxFileSize: 9 }, 'FILE_TOO_LARGE'],
      [{ allowedTypes: ['image/*'] }, 'TYPE_NOT_ALLOWED'],
      [{ allowedExtensions: ['jpg'] }, 'TYPE_NOT_ALLOWED'],
      [{ maxStoredBytes: 9 }, 'QUOTA_EXCEEDED'],
    ])('are looked at again at completion: %j', async (limits, code) => {
      const driver = limited({})
      const file = new SampleFile(10)
      const { uploadId } = await driver.init(file, { contentType: 'text/plain' })
      await sendAll(driver, file, uploadId)
      const refused = driver.partway.complete(as(driver, limits), { uploadId })
      expect((await refusalOf(refused)).code).toBe(code)
      expect((await driver.status(uploadId)).state).toBe('uploading')
      expect((await driver.complete(uploadId)).state).toBe('completed')
      expect(await driver.partway.complete(as(driver, limits), { uploadId })).toMatchObject({
        state: 'completed',
      })
    })

    it('are looked at again before a URL is signed', async () => {
      const driver = limited({})
      const { uploadId } = await driver.init(new SampleFile(10), { checksum: 'none' })
      const request = { uploadId, sign: [{ index: 1 }] }
      const refused = driver.partway.parts(as(driver, { maxFileSize: 9 }), request)
      expect((await refusalOf(refused)).code).toBe('FILE_TOO_LARGE')
    })

    it('hold for an instant upload, which counts in full', async () => {
      const driver = limited({ maxStoredBytes: 20 })
      const file = new SampleFile(10)
      await stored(driver, file)
      const checksum = (await file.checksum(layoutOf(file), 1, 'sha256')) ?? ''
      const digest = (await objectDigest('sha256', [{ checksum, size: 10 }])) ?? ''
      const twin = { filename: 'twin.bin', digest }
      const narrow = as(driver, { allowedExtensions: ['jpg'] })
      const refused = driver.partway.init(narrow, driver.request(file, twin))
      expect((await refusalOf(refused)).code).toBe('TYPE_NOT_ALLOWED')
      expect((await driver.init(file, twin)).state).toBe('completed')
      expect(await driver.usage()).toMatchObject({ ...EMPTY, storedBytes: 20 })
      const another = driver.init(file, { filename: 'triplet.bin', digest })
      expect((await refusalOf(another)).code).toBe('QUOTA_EXCEEDED')
    })
  })

  describe('limits after the store was lost', () => {
    it('count what is found again at the bucket', async () => {
      const driver = limited({ maxStoredBytes: 30 })
      const [done, open] = [new SampleFile(10), new SampleFile(15)]
      await stored(driver, done)
      const { uploadId } = await driver.init(open)
      await driver.loseStore()
      expect(await driver.usage()).toMatchObject(EMPTY)
      expect((await driver.init(done)).state).toBe('completed')
      expect((await driver.init(open)).uploadId).toBe(uploadId)
      const counted = { openUploads: 1, reservedBytes: 15, storedBytes: 10 }
      expect(await driver.usage()).toMatchObject(counted)
    })

    it('leave what there is no room for in the bucket, to go on with when there is', async () => {
      const driver = limited({ maxOpenUploads: 1 })
      const file = new SampleFile(PART + 10)
      const upload = await driver.init(file, { chunkSize: PART })
      await driver.sendAndReport(file, upload, [1])
      await driver.loseStore()
      const other = await driver.init(new SampleFile(10))
      expect((await refusalOf(driver.init(file, { chunkSize: PART }))).code).toBe('LIMIT_REACHED')
      await driver.abort(other.uploadId)
      const again = await driver.init(file, { chunkSize: PART })
      expect(again.uploaded.map(({ index }) => index)).toEqual([1])
    })
  })

  describe('the URLs of an upload', () => {
    it('are so many a day, whichever server signs them', async () => {
      const driver = new PartwayDriver(services(), { settings: { signBudget: 1 } })
      const { uploadId } = await driver.init(new SampleFile(10), { checksum: 'none', sign: 'all' })
      const request = { uploadId, sign: [{ index: 1 }] }
      for (let count = 1; count < 101; count++) {
        await driver.partway.parts(driver.caller, request)
      }
      for (const partway of [driver.partway, driver.another()]) {
        const refusal = await refusalOf(partway.parts(driver.caller, request))
        const details = { limit: 'sign_budget', max: 101, used: 101, asked: 1 }
        expect(refusal).toMatchObject({ code: 'TOO_MANY_REQUESTS', details })
      }
      driver.clock.advance(DAY_MS)
      const { parts } = await driver.partway.parts(driver.caller, request)
      for await (const batch of parts) expect(batch).toHaveLength(1)
    })
  })
}

function layoutOf({ size }: SampleFile) {
  return { size, chunkSize: 8 * MIB, totalChunks: 1 }
}
