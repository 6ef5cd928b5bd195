import { beforeEach, describe, expect, it } from 'vitest'
import { type InitReply, MIB } from '../../src/protocol/index.js'
import { BucketTap, tapped } from '../helpers/observed-bucket.js'
import { SampleFile } from '../helpers/sample-file.js'
import { ALL_MODES, PartwayDriver, type PartwayServices, put, refusalOf } from './partway-driver.js'

const PART = 5 * MIB

/** The bucket is the truth and the store a memory of it, which may be lost at any moment. */
export function lostStoreContract(services: () => PartwayServices): void {
  describe('when the store was lost', () => {
    const file = new SampleFile(2 * PART + 12_345)
    let driver: PartwayDriver
    beforeEach(() => {
      driver = new PartwayDriver(services())
    })

    const begin = (request = {}) => driver.init(file, { chunkSize: PART, ...request })

    async function completed(upload: InitReply) {
      await driver.sendAndReport(file, upload, [1, 2, 3])
      return driver.complete(upload.uploadId)
    }

    async function keyOf({ uploadId }: InitReply): Promise<string> {
      const { store } = driver.services
      const session = await store.find({ ...driver.caller, id: uploadId }, driver.clock.now())
      return session?.upload.key ?? ''
    }

    async function openUnder(key: string): Promise<readonly string[]> {
      const listing = await services().bucket.listMultipartUploads(key)
      if (listing.kind !== 'listed') throw new Error('the bucket tells no multipart uploads')
      return listing.uploads.map(({ multipartId }) => multipartId)
    }

    describe('and parts are there', () => {
      for (const checksum of ALL_MODES) {
        it(`goes on with those that nobody reported, and with URLs signed before (${checksum})`, async () => {
          const before = await begin({ checksum })
          await driver.send(file, before, [1, 3])
          const [second] = await driver.sign(file, before, [2])
          if (second === undefined) throw new Error('part 2 was not signed')
          await driver.loseStore()
          const { uploadId } = before
          expect((await refusalOf(driver.status(uploadId))).code).toBe('UPLOAD_NOT_FOUND')

          const request = driver.request(file, { chunkSize: PART, checksum })
          const { created, reply } = await driver.partway.init(driver.caller, request)
          expect(created).toBe(false)
          expect(reply).toMatchObject({ uploadId, state: 'uploading' })
          expect(reply.uploaded.map((part) => part.index)).toEqual([1, 3])
          expect((await driver.status(uploadId)).uploaded).toEqual(reply.uploaded)

          expect((await put(second, file.part(before, 2))).status).toBe(200)
          expect((await driver.complete(uploadId)).state).toBe('completed')
          expect(driver.tap.count('createMultipartUpload')).toBe(1)
        })
      }

      it('tells the parts of the bucket with their checksums', async () => {
        await driver.send(file, await begin(), [2])
        await driver.loseStore()
        const found = await begin()
        const checksum = await file.checksum(found, 2, 'sha256')
        expect(found.uploaded).toMatchObject([{ index: 2, size: PART, checksum }])
      })

      it('is found by one of many racing callers, for all of them', async () => {
        const { uploadId } = await begin()
        await driver.loseStore()
        const replies = await Promise.all(Array.from({ length: 10 }, () => begin()))
        expect(new Set(replies.map((reply) => reply.uploadId))).toEqual(new Set([uploadId]))
        expect(driver.tap.count('listMultipartUploads')).toBe(2)
        expect(driver.tap.count('createMultipartUpload')).toBe(1)
      })

      it('is lost again, completed, and lost once more', async () => {
        const { uploadId } = await begin()
        await driver.loseStore()
        await driver.send(file, await begin(), [1, 2])
        await driver.loseStore()
        await driver.send(file, await begin(), [3])
        const done = await driver.complete(uploadId)
        await driver.loseStore()
        expect(await begin()).toMatchObject({ state: 'completed', object: done.object })
      })

      it('opens anew what was found and vanished afterwards', async () => {
        const upload = await begin()
        await driver.send(file, upload, [1])
        await driver.loseStore()
        await begin()
        const key = await keyOf(upload)
        for (const multipartId of await openUnder(key)) {
          await services().bucket.abortMultipartUpload({ key, multipartId })
        }
        expect(await driver.status(upload.uploadId, true)).toMatchObject({ uploaded: [] })
        expect((await completed(upload)).state).toBe('completed')
      })
    })

    describe('and the object is there', () => {
      it('says completed, without opening anything', async () => {
        const done = await completed(await begin())
        await driver.loseStore()
        driver.tap.reset()
        expect(await begin()).toMatchObject({ state: 'completed', object: done.object })
        expect(driver.tap.calls).toEqual(['headObject', 'listMultipartUploads'])
        expect(await driver.complete(done.uploadId)).toEqual(done)
      })

      it('says completed though the first who looked was interrupted', async () => {
        const done = await completed(await begin())
        await driver.loseStore()
        driver.tap.before = (method) => {
          if (method === 'headObject') throw new Error('timeout')
        }
        expect((await refusalOf(begin())).code).toBe('BUCKET_UNAVAILABLE')
        driver.tap.reset()
        expect(await begin()).toMatchObject({ state: 'completed', object: done.object })
      })

      it('keeps the epoch of the object, so that it is known again by its token', async () => {
        await driver.abort((await begin()).uploadId)
        const done = await completed(await begin())
        await driver.loseStore()
        await begin()
        driver.tap.reset()
        expect(await begin()).toMatchObject({ state: 'completed', object: done.object })
        expect(driver.tap.calls).toEqual(['headObject'])
      })

      it('says completed where only the record of the completion is missing', async () => {
        const upload = await begin()
        await driver.sendAndReport(file, upload, [1, 2, 3])
        driver.tap.before = (method) => {
          if (method === 'headObject') throw new Error('timeout')
        }
        expect((await refusalOf(driver.complete(upload.uploadId))).code).toBe('BUCKET_UNAVAILABLE')
        driver.tap.reset()
        await driver.loseStore()
        expect((await begin()).state).toBe('completed')
      })

      for (const checksum of ['sha256', 'none'] as const) {
        it(`recognises what a process from before completes only now (${checksum})`, async () => {
          await driver.abort((await begin({ checksum })).uploadId)
          const upload = await begin({ checksum })
          await driver.sendAndReport(file, upload, [1, 2, 3])
          const { partway } = driver
          await driver.loseStore()
          expect((await begin({ checksum })).uploaded).toHaveLength(3)
          const done = await partway.complete(driver.caller, { uploadId: upload.uploadId })
          expect(await driver.complete(upload.uploadId)).toEqual(done)
          expect(await begin({ checksum })).toMatchObject({ state: 'completed' })
        })
      }

      it.each([
        ['of a stranger', () => 'stranger.1', file.bytes],
        ['without an epoch', (id: string) => `${id}.x`, file.bytes],
        ['of another size', (id: string) => `${id}.1`, file.bytes.subarray(1)],
      ])('does not take an object %s for its own', async (_, token, bytes) => {
        const upload = await begin({ checksum: 'none' })
        const key = await keyOf(upload)
        await driver.abort(upload.uploadId)
        await place({ key, token: token(upload.uploadId), bytes })
        await driver.loseStore()
        const again = await begin({ checksum: 'none' })
        expect(again).toMatchObject({ state: 'uploading', uploaded: [] })
        expect((await completed(again)).object?.size).toBe(file.size)
      })

      it('does not take an object without the digest that its mode has', async () => {
        const upload = await begin()
        const key = await keyOf(upload)
        await driver.abort(upload.uploadId)
        await place({ key, token: `${upload.uploadId}.1`, bytes: file.bytes })
        await driver.loseStore()
        expect(await begin()).toMatchObject({ state: 'uploading', uploaded: [] })
      })

      /** Puts an object there in one part, with no checksum. */
      async function place({ key, token, bytes }: { key: string; token: string; bytes: Buffer }) {
        const { bucket, signer } = services()
        const checksum = 'none'
        const metadata = { 'partway-token': token }
        const opened = await bucket.createMultipartUpload({ key, checksum, metadata })
        const target = { key, ...opened, checksum } as const
        const size = bytes.length
        const wanted = { ...target, parts: [{ index: 1, size }], expiresInSeconds: 60 }
        const [signed] = await signer.signParts(wanted)
        if (signed === undefined) throw new Error('nothing was signed')
        const etag = (await put(signed, bytes)).headers.get('etag')?.replaceAll('"', '') ?? ''
        await bucket.completeMultipartUpload({ ...target, parts: [{ index: 1, etag }], size })
      }
    })

    describe('and there is nothing, or not what was meant', () => {
      it('begins anew after an abort', async () => {
        const upload = await begin()
        await driver.sendAndReport(file, upload, [1])
        await driver.abort(upload.uploadId)
        await driver.loseStore()
        const request = driver.request(file, { chunkSize: PART })
        const { created, reply } = await driver.partway.init(driver.caller, request)
        expect(created).toBe(true)
        expect(reply).toMatchObject({ uploadId: upload.uploadId, uploaded: [] })
      })

      it('asks the bucket nothing for an id that is new each time', async () => {
        await driver.partway.init(driver.caller, { filename: 'a.bin', size: 10 })
        expect(driver.tap.calls).toEqual(['createMultipartUpload'])
      })

      it('opens nothing while the bucket cannot be asked', async () => {
        for (const broken of ['headObject', 'listMultipartUploads']) {
          driver.tap.before = (method) => {
            if (method === broken) throw new Error('timeout')
          }
          expect((await refusalOf(begin())).code).toBe('BUCKET_UNAVAILABLE')
          driver.clock.advance(16_000)
        }
        expect(driver.tap.count('createMultipartUpload')).toBe(0)
        driver.tap.reset()
        expect((await begin()).state).toBe('uploading')
      })

      it('opens a new one where the bucket does not tell what is open', async () => {
        const { bucket } = services()
        const listMultipartUploads = async () => ({ kind: 'unsupported' }) as const
        const silent = { ...tapped(bucket, new BucketTap()), listMultipartUploads }
        driver = new PartwayDriver({ ...services(), bucket: silent })
        await driver.send(file, await begin(), [1])
        await driver.loseStore()
        const again = await begin()
        expect(again.uploaded).toEqual([])
        expect((await completed(again)).state).toBe('completed')
      })
    })

    describe('and ghosts are there', () => {
      /** What a creator leaves who dies before it can write the record. */
      async function leaveGhost({ uploadId, checksum }: InitReply, key: string): Promise<void> {
        const metadata = { 'partway-token': `${uploadId}.1` }
        await services().bucket.createMultipartUpload({ key, checksum, metadata })
      }

      it('uses the one of which the record was never written', async () => {
        driver.tap.after = (method) => {
          if (method === 'createMultipartUpload') throw new Error('connection reset')
        }
        expect((await refusalOf(begin())).code).toBe('BUCKET_UNAVAILABLE')
        driver.tap.after = () => {}
        driver.clock.advance(16_000)
        const upload = await begin()
        expect(driver.tap.count('createMultipartUpload')).toBe(1)
        expect(await openUnder(await keyOf(upload))).toHaveLength(1)
        expect((await completed(upload)).state).toBe('completed')
      })

      it('keeps the one with the parts and aborts the others', async () => {
        const upload = await begin()
        const key = await keyOf(upload)
        const ours = await openUnder(key)
        for (let i = 0; i < 2; i++) await leaveGhost(upload, key)
        await driver.send(file, upload, [1])
        expect(await openUnder(key)).toHaveLength(3)
        await driver.loseStore()
        expect((await begin()).uploaded.map((part) => part.index)).toEqual([1])
        expect(await openUnder(key)).toEqual(ours)
        expect((await completed(upload)).state).toBe('completed')
      })

      it('aborts those beside a finished object', async () => {
        const upload = await begin()
        const key = await keyOf(upload)
        await completed(upload)
        await leaveGhost(upload, key)
        await driver.loseStore()
        expect((await begin()).state).toBe('completed')
        expect(await openUnder(key)).toEqual([])
      })

      it.each([
        ['adopted the ghost', true],
        ['opened a new one', false],
      ])('leaves alone what another creator, who took over meanwhile, %s', async (_, hasGhost) => {
        const first = await begin()
        const key = await keyOf(first)
        if (hasGhost) await driver.send(file, first, [2])
        else await driver.abort(first.uploadId)
        let overtaking: Promise<InitReply> | undefined
        const { bucket } = services()
        const slow = {
          ...tapped(bucket, driver.tap),
          listMultipartUploads: async (asked: string) => {
            const listing = await bucket.listMultipartUploads(asked)
            if (overtaking === undefined) {
              driver.clock.advance(16_000)
              overtaking = begin()
              await overtaking
            }
            return listing
          },
        }
        driver = driver.on({ ...services(), bucket: slow })
        await driver.loseStore()
        const upload = await begin()
        expect((await overtaking)?.uploaded).toEqual(upload.uploaded)
        expect(upload.uploaded.map((part) => part.index)).toEqual(hasGhost ? [2] : [])
        expect(await openUnder(key)).toHaveLength(1)
        expect((await completed(upload)).state).toBe('completed')
      })

      it('goes on though they cannot be aborted', async () => {
        const upload = await begin()
        const key = await keyOf(upload)
        await leaveGhost(upload, key)
        await driver.loseStore()
        driver.tap.before = (method) => {
          if (method === 'abortMultipartUpload') throw new Error('timeout')
        }
        expect((await completed(await begin())).state).toBe('completed')
      })
    })
  })
}
