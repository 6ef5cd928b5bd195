import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { objectDigest } from '../../src/checksum/object-digest.js'
import { MIB, partSize } from '../../src/protocol/index.js'
import { SampleFile } from '../helpers/sample-file.js'
import { badObjectsContract } from './partway-bad-objects.js'
import { behindItsBackContract } from './partway-behind-its-back.js'
import { contentContract } from './partway-content.js'
import {
  ALL_MODES,
  PartwayDriver,
  type PartwayServices,
  put,
  putStatus,
  refusalOf,
} from './partway-driver.js'
import { fileHashContract } from './partway-file-hash.js'
import { instantUploadContract } from './partway-instant.js'
import { limitsContract } from './partway-limits.js'
import { lostStoreContract } from './partway-lost-store.js'

const PART = 5 * MIB
const HOUR = 3_600_000

/** What the coordinator promises, whatever its store and its bucket. */
export function partwayContract(name: string, open: () => Promise<PartwayServices>): void {
  describe(`Partway on ${name}`, () => {
    let services: PartwayServices
    let driver: PartwayDriver
    const file = new SampleFile(2 * PART + 12_345)

    beforeAll(async () => {
      services = await open()
    })
    afterAll(() => services.close())
    beforeEach(() => {
      driver = new PartwayDriver(services)
    })

    const begin = (request = {}) => driver.init(file, { chunkSize: PART, ...request })

    describe('the way of an upload', () => {
      for (const checksum of ALL_MODES) {
        it(`makes a proven object of parts with checksum ${checksum}`, async () => {
          const upload = await begin({ checksum, metadata: { note: 'naïve 100 %' } })
          await driver.sendAndReport(file, upload, [3, 1, 2])
          const done = await driver.complete(upload.uploadId)
          expect(done.state).toBe('completed')
          const head = await services.bucket.headObject(done.object?.key ?? '')
          if (head.kind !== 'found') throw new Error('there is no object')
          expect(head.object.size).toBe(file.size)
          expect(head.object.metadata).toMatchObject({
            note: 'na%C3%AFve 100 %25',
            'partway-token': `${upload.uploadId}.1`,
          })
          expect(done.object?.digest).toBe(await wholeDigest(checksum))
        })
      }

      it('takes the reports with the completion', async () => {
        const upload = await begin()
        const parts = await driver.send(file, upload, [1, 2, 3])
        const digest = await wholeDigest('sha256')
        const done = await driver.complete(upload.uploadId, { parts, ...(digest && { digest }) })
        expect(done.state).toBe('completed')
        expect(driver.tap.calls).toEqual([
          'headObject',
          'listMultipartUploads',
          'createMultipartUpload',
          'completeMultipartUpload',
          'headObject',
        ])
      })

      it('finds parts that nobody reported', async () => {
        const upload = await begin()
        await driver.send(file, upload, [1, 2, 3])
        expect((await driver.complete(upload.uploadId)).state).toBe('completed')
      })

      it('uploads a file of one part that is smaller than any chunk', async () => {
        const small = new SampleFile(1)
        const upload = await driver.init(small)
        expect(upload).toMatchObject({ totalChunks: 1, chunkSize: 8 * MIB })
        await driver.sendAndReport(small, upload, [1])
        expect((await driver.complete(upload.uploadId)).object?.size).toBe(1)
      })

      it('signs every missing part at once where nothing need be known of a part', async () => {
        const upload = await begin({ checksum: 'none', sign: 'all' })
        expect(upload.parts?.map((part) => part.index)).toEqual([1, 2, 3])
        for (const part of upload.parts?.slice(0, 2) ?? []) {
          expect((await put(part, file.part(upload, part.index))).status).toBe(200)
        }
        const again = await begin({ checksum: 'none', sign: 'all' })
        expect(again.parts?.map((part) => part.index)).toEqual([3])
        expect(again.uploaded.map((part) => part.index)).toEqual([1, 2])
      })

      it('serves an object key with any name', async () => {
        const filename = "ünï 文件 🎉 (1)+%41 'q'.bin"
        const upload = await begin({ filename })
        await driver.sendAndReport(file, upload, [1, 2, 3])
        const done = await driver.complete(upload.uploadId)
        expect(done.object?.key).toBe(`${upload.uploadId}/${filename.normalize('NFC')}`)
      })
    })

    describe('identity', () => {
      it('gives the same upload to a repeated init, with what is there', async () => {
        const first = await begin()
        await driver.sendAndReport(file, first, [2])
        const { created, reply } = await driver.partway.init(
          driver.caller,
          driver.request(file, { chunkSize: PART }),
        )
        expect(created).toBe(false)
        expect(reply.uploadId).toBe(first.uploadId)
        expect(reply.uploaded).toMatchObject([{ index: 2, size: PART }])
        expect(reply.uploaded[0]?.checksum).toBe(await file.checksum(first, 2, 'sha256'))
        expect(driver.tap.count('createMultipartUpload')).toBe(1)
      })

      it('opens one multipart upload when twenty callers race through two coordinators', async () => {
        const coordinators = [driver.partway, driver.another()]
        const request = driver.request(file, { chunkSize: PART })
        const racing = Array.from({ length: 20 }, (_, i) =>
          (coordinators[i % 2] ?? driver.partway).init(driver.caller, request),
        )
        const outcomes = await Promise.all(racing)
        expect(new Set(outcomes.map(({ reply }) => reply.uploadId)).size).toBe(1)
        expect(outcomes.filter(({ created }) => created)).toHaveLength(1)
        expect(driver.tap.count('createMultipartUpload')).toBe(1)
      })

      it('gives another id without anything that identifies the content', async () => {
        const request = { filename: 'a.bin', size: 10 }
        const ids = await Promise.all(
          [1, 2].map(
            async () => (await driver.partway.init(driver.caller, request)).reply.uploadId,
          ),
        )
        expect(ids[0]).not.toBe(ids[1])
      })

      it('gives another id to another owner, and hides the upload from him', async () => {
        const upload = await begin()
        const other = new PartwayDriver(services)
        const theirs = await other.init(file, { chunkSize: PART })
        expect(theirs.uploadId).not.toBe(upload.uploadId)
        const { uploadId } = upload
        const calls = [other.status(uploadId), other.complete(uploadId), other.abort(uploadId)]
        const parts = other.partway.parts(other.caller, { uploadId, sign: [{ index: 1 }] })
        for (const call of [...calls, parts]) {
          expect((await refusalOf(call)).code).toBe('UPLOAD_NOT_FOUND')
        }
      })
    })

    describe('completion', () => {
      it('names the missing ranges, and the upload stays usable', async () => {
        const upload = await begin()
        await driver.sendAndReport(file, upload, [2])
        const refusal = await refusalOf(driver.complete(upload.uploadId))
        expect(refusal.code).toBe('PARTS_MISSING')
        expect(refusal.details.missing).toEqual([
          [1, 1],
          [3, 3],
        ])
        await driver.sendAndReport(file, upload, [1, 3])
        expect((await driver.complete(upload.uploadId)).state).toBe('completed')
      })

      for (const checksum of ALL_MODES) {
        it(`does not believe a report of a part that is not there (${checksum})`, async () => {
          const upload = await begin({ checksum })
          const sent = await driver.send(file, upload, [1, 3])
          await driver.sign(file, upload, [2])
          const etag = sent[0]?.etag ?? ''
          const refusal = await refusalOf(
            driver.complete(upload.uploadId, { parts: [...sent, { index: 2, etag }] }),
          )
          expect(refusal.code).toBe('PARTS_MISSING')
          expect(refusal.details.missing).toEqual([[2, 2]])
          await driver.sendAndReport(file, upload, [2])
          expect((await driver.complete(upload.uploadId)).state).toBe('completed')
        })
      }

      it('returns the stored result when repeated, without another word to the bucket', async () => {
        const upload = await begin()
        await driver.sendAndReport(file, upload, [1, 2, 3])
        const first = await driver.complete(upload.uploadId)
        driver.tap.reset()
        expect(await driver.complete(upload.uploadId)).toEqual(first)
        expect((await driver.status(upload.uploadId)).object).toEqual(first.object)
        expect(driver.tap.calls).toEqual([])
        expect((await refusalOf(driver.abort(upload.uploadId))).code).toBe('WRONG_STATE')
      })

      it('gives racing callers one and the same result', async () => {
        const upload = await begin()
        await driver.sendAndReport(file, upload, [1, 2, 3])
        const racing = Array.from({ length: 10 }, () => driver.complete(upload.uploadId))
        const replies = await Promise.all(racing)
        expect(new Set(replies.map((reply) => JSON.stringify(reply))).size).toBe(1)
        expect(driver.tap.count('completeMultipartUpload')).toBe(1)
      })

      it('refuses a digest that the parts do not add up to, and stays usable', async () => {
        const upload = await begin()
        await driver.sendAndReport(file, upload, [1, 2, 3])
        const digest = `${Buffer.alloc(32).toString('base64')}-3`
        const refusal = await refusalOf(driver.complete(upload.uploadId, { digest }))
        expect(refusal.code).toBe('CHECKSUM_MISMATCH')
        expect(driver.tap.count('completeMultipartUpload')).toBe(0)
        expect((await driver.complete(upload.uploadId)).state).toBe('completed')
      })

      it('refuses a digest that is malformed for the mode', async () => {
        const upload = await begin({ checksum: 'md5' })
        const refusal = await refusalOf(driver.complete(upload.uploadId, { digest: 'AAAAAA==' }))
        expect(refusal.toProblem('r')).toMatchObject({ code: 'INVALID_REQUEST', field: 'digest' })
      })

      it('is not misled when the reply of the bucket is lost', async () => {
        const upload = await begin()
        await driver.sendAndReport(file, upload, [1, 2, 3])
        driver.tap.after = (method) => {
          if (method === 'completeMultipartUpload') throw new Error('connection reset')
        }
        expect((await driver.complete(upload.uploadId)).state).toBe('completed')
        expect(driver.tap.count('abortMultipartUpload')).toBe(0)
      })

      it('does not say completed when the object cannot be asked for, and finds out later', async () => {
        const upload = await begin()
        await driver.sendAndReport(file, upload, [1, 2, 3])
        driver.tap.before = (method) => {
          if (method === 'headObject') throw new Error('timeout')
        }
        const refusal = await refusalOf(driver.complete(upload.uploadId))
        expect(refusal.code).toBe('BUCKET_UNAVAILABLE')
        expect(refusal.details.retryAfterMs).toBeGreaterThan(0)
        expect((await driver.status(upload.uploadId)).state).toBe('completing')
        driver.tap.reset()
        driver.clock.advance(61_000)
        expect((await driver.complete(upload.uploadId)).state).toBe('completed')
      })

      it('gives the claim back when the bucket fails before anything is completed', async () => {
        const upload = await begin({ checksum: 'none' })
        await driver.send(file, upload, [1, 2, 3])
        driver.tap.before = (method) => {
          if (method === 'listParts') throw new Error('503')
        }
        expect((await refusalOf(driver.complete(upload.uploadId))).code).toBe('BUCKET_UNAVAILABLE')
        driver.tap.reset()
        expect((await driver.complete(upload.uploadId)).state).toBe('completed')
      })
    })

    describe('what the bucket refuses by the URL', () => {
      for (const checksum of ALL_MODES.filter((mode) => mode !== 'none')) {
        it(`refuses other bytes of the same length (${checksum})`, async () => {
          const upload = await begin({ checksum })
          const [signed] = await driver.sign(file, upload, [1])
          if (signed === undefined) throw new Error('part 1 was not signed')
          const tampered = Buffer.from(file.part(upload, 1))
          tampered[0] = (tampered[0] ?? 0) ^ 1
          expect([400, 'reset']).toContain(await putStatus(signed, tampered))
          expect((await driver.status(upload.uploadId, true)).uploaded).toEqual([])
        })
      }

      it('refuses a part of another length', async () => {
        const upload = await begin({ checksum: 'none' })
        const [signed] = await driver.sign(file, upload, [1])
        if (signed === undefined) throw new Error('part 1 was not signed')
        const longer = Buffer.concat([file.part(upload, 1), Buffer.from('x')])
        for (const body of [longer, file.part(upload, 1).subarray(1)]) {
          expect([403, 'reset']).toContain(await putStatus(signed, body))
        }
        expect((await driver.status(upload.uploadId, true)).uploaded).toEqual([])
      })
    })

    describe('abort', () => {
      it('removes the parts, is the same when repeated, and ends the upload', async () => {
        const upload = await begin()
        await driver.sendAndReport(file, upload, [1])
        const { uploadId } = upload
        expect(await driver.abort(uploadId)).toEqual({ uploadId, state: 'aborted' })
        expect(await driver.abort(uploadId)).toEqual({ uploadId, state: 'aborted' })
        expect((await driver.status(uploadId)).state).toBe('aborted')
        expect((await refusalOf(driver.complete(uploadId))).code).toBe('WRONG_STATE')
        const sign = [{ index: 2, checksum: (await file.checksum(upload, 2, 'sha256')) ?? '' }]
        const parts = driver.partway.parts(driver.caller, { uploadId, sign })
        expect((await refusalOf(parts)).code).toBe('WRONG_STATE')
      })

      it('lets the same file begin anew, with nothing of what was aborted', async () => {
        const aborted = await begin()
        const [old] = await driver.sign(file, aborted, [1])
        await driver.abort(aborted.uploadId)
        const upload = await begin()
        expect(upload).toMatchObject({ uploadId: aborted.uploadId, uploaded: [] })
        if (old === undefined) throw new Error('part 1 was not signed')
        expect([404, 'reset']).toContain(await putStatus(old, file.part(upload, 1)))
        await driver.sendAndReport(file, upload, [1, 2, 3])
        const done = await driver.complete(upload.uploadId)
        const head = await services.bucket.headObject(done.object?.key ?? '')
        if (head.kind !== 'found') throw new Error('there is no object')
        expect(head.object.metadata['partway-token']).toBe(`${upload.uploadId}.2`)
      })
    })

    behindItsBackContract(() => services)

    describe('time', () => {
      it('answers 410 when the upload has expired, and goes on after another init', async () => {
        const upload = await begin({ checksum: 'none' })
        await driver.sendAndReport(file, upload, [1])
        driver.clock.advance(8 * 24 * HOUR)
        const { uploadId } = upload
        expect((await driver.status(uploadId)).state).toBe('expired')
        const parts = driver.partway.parts(driver.caller, { uploadId, sign: [{ index: 2 }] })
        for (const call of [parts, driver.complete(uploadId)]) {
          expect((await refusalOf(call)).code).toBe('UPLOAD_EXPIRED')
        }
        const again = await begin({ checksum: 'none' })
        expect(again.uploaded.map((part) => part.index)).toEqual([1])
        // The URLs of this test's clock are dated in the bucket's future, so no more is sent.
        expect(again.expiresIn).toBeGreaterThan(7 * 24 * 3600 - 60)
      })
    })

    lostStoreContract(() => services)
    badObjectsContract(() => services)
    contentContract(() => services)
    fileHashContract(() => services)
    instantUploadContract(() => services)
    limitsContract(() => services)

    it("lists the owner's uploads, newest first, page by page", async () => {
      const names = ['a.bin', 'b.bin', 'c.bin']
      for (const filename of names) {
        await begin({ filename })
        driver.clock.advance(1_000)
      }
      const first = await driver.partway.list(driver.caller, { limit: '2' })
      expect(first.uploads.map((upload) => upload.filename)).toEqual(['c.bin', 'b.bin'])
      const cursor = first.nextCursor ?? ''
      const second = await driver.partway.list(driver.caller, { limit: '2', cursor })
      expect(second.uploads.map((upload) => upload.filename)).toEqual(['a.bin'])
      expect(second.nextCursor).toBeUndefined()
    })

    async function wholeDigest(checksum: (typeof ALL_MODES)[number]): Promise<string | undefined> {
      const layout = { size: file.size, chunkSize: PART, totalChunks: 3 }
      const parts = await Promise.all(
        [1, 2, 3].map(async (index) => ({
          checksum: (await file.checksum(layout, index, checksum)) ?? '',
          size: partSize(layout, index),
        })),
      )
      return objectDigest(checksum, parts)
    }
  })
}
