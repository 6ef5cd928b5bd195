import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { objectDigest } from '../../src/checksum/object-digest.js'
import { type ChecksumMode, type InitReply, MIB, partSize } from '../../src/protocol/index.js'
import { SampleFile } from '../helpers/sample-file.js'
import { PartwayDriver, type PartwayServices } from './partway-driver.js'

const PART = 5 * MIB

/** Content that its owner has stored already need not be sent again. */
export function instantUploadContract(services: () => PartwayServices): void {
  describe('instant upload', () => {
    const file = new SampleFile(PART + 999)
    let driver: PartwayDriver
    beforeEach(() => {
      driver = new PartwayDriver(services())
    })

    const begin = (request = {}) => driver.init(file, { chunkSize: PART, ...request })

    async function store(request = {}): Promise<InitReply> {
      const upload = await begin(request)
      await driver.sendAndReport(file, upload, [1, 2])
      await driver.complete(upload.uploadId)
      await driver.partway.resume({ ...driver.caller, id: upload.uploadId })
      return driver.status(upload.uploadId)
    }

    async function digestOf(mode: ChecksumMode): Promise<string> {
      const layout = { size: file.size, chunkSize: PART, totalChunks: 2 }
      const parts = await Promise.all(
        [1, 2].map(async (index) => ({
          checksum: (await file.checksum(layout, index, mode)) ?? '',
          size: partSize(layout, index),
        })),
      )
      return (await objectDigest(mode, parts)) ?? ''
    }

    it('knows content by its SHA-256 root, under another name and at once', async () => {
      const stored = await store()
      const digest = await digestOf('sha256')
      driver.tap.reset()
      const twin = await begin({ filename: 'another name.bin', digest })
      expect(twin).toMatchObject({ state: 'completed', object: stored.object })
      expect(twin.uploadId).not.toBe(stored.uploadId)
      expect(driver.tap.calls).toEqual(['headObject'])
      expect(await driver.complete(twin.uploadId)).toMatchObject({ object: stored.object })
      expect(await driver.status(twin.uploadId)).toMatchObject({ object: stored.object })
    })

    it('knows content by a SHA-256 of the whole file that was verified', async () => {
      const stored = await store({ fileHash: file.sha256, checksum: 'crc32c' })
      expect(stored.state).toBe('completed')
      const twin = await begin({ filename: 'b.bin', fileHash: file.sha256, checksum: 'none' })
      expect(twin).toMatchObject({ state: 'completed', object: { key: stored.object?.key } })
    })

    it('knows it though the upload was given the object itself', async () => {
      await store()
      const digest = await digestOf('sha256')
      const second = await begin({ filename: 'second', digest })
      const third = await begin({ filename: 'third', digest })
      expect(third).toMatchObject({ state: 'completed', object: second.object })
    })

    it('keeps an upload that was given an object when the store is asked again', async () => {
      await store()
      const digest = await digestOf('sha256')
      const second = await begin({ filename: 'second', digest })
      driver.tap.reset()
      const { uploadId, object } = second
      const again = await begin({ filename: 'second', digest })
      expect(again).toMatchObject({ uploadId, state: 'completed', object })
      expect(driver.tap.calls).toEqual(['headObject'])
    })

    for (const [name, request] of [
      ['the content has another type', { contentType: 'text/html' }],
      ['the content has other metadata', { metadata: { album: 'summer' } }],
      ['it is cut into other parts', { chunkSize: PART + 1 }],
    ] as const) {
      it(`is an ordinary upload when ${name}`, async () => {
        await store()
        const digest = await digestOf('sha256')
        const twin = await begin({ filename: 'twin', digest, ...request })
        expect(twin).toMatchObject({ state: 'uploading', uploaded: [] })
      })
    }

    it('is an ordinary upload for another owner', async () => {
      await store()
      const stranger = new PartwayDriver(services(), { caller: { owner: `b ${randomUUID()}` } })
      const digest = await digestOf('sha256')
      const upload = await stranger.init(file, { chunkSize: PART, digest })
      expect(upload).toMatchObject({ state: 'uploading', uploaded: [] })
    })

    it('is an ordinary upload when the object is gone', async () => {
      const stored = await store()
      await services().deleteObject(stored.object?.key ?? '')
      const twin = await begin({ filename: 'twin', digest: await digestOf('sha256') })
      expect(twin).toMatchObject({ state: 'uploading', uploaded: [] })
      await driver.sendAndReport(file, twin, [1, 2])
      expect((await driver.complete(twin.uploadId)).state).toBe('completed')
    })

    it('is an ordinary upload once the object that was given is gone', async () => {
      const stored = await store()
      const digest = await digestOf('sha256')
      await begin({ filename: 'twin', digest })
      await services().deleteObject(stored.object?.key ?? '')
      expect(await begin({ filename: 'twin', digest })).toMatchObject({ state: 'uploading' })
    })

    it('does not believe a hash that was only claimed', async () => {
      const claimed = 'ab'.repeat(32)
      const poisoned = await store({ fileHash: claimed })
      expect(poisoned.state).toBe('failed')
      const twin = await begin({ filename: 'twin', fileHash: claimed })
      expect(twin).toMatchObject({ state: 'uploading', uploaded: [] })
    })

    it('does not go by a CRC or an MD5, of which two contents may have the same', async () => {
      await store({ checksum: 'crc64nvme' })
      const byCrc = await begin({
        filename: 'b',
        checksum: 'crc64nvme',
        digest: await digestOf('crc64nvme'),
      })
      expect(byCrc.state).toBe('uploading')
      await store({ filename: 'c', fileHash: file.md5 })
      expect((await begin({ filename: 'd', fileHash: file.md5 })).state).toBe('uploading')
    })

    it('reads the object when a hash of the whole file is given besides', async () => {
      const stored = await store()
      const digest = await digestOf('sha256')
      const wrong = await begin({ filename: 'wrong', digest, fileHash: 'ab'.repeat(32) })
      expect(wrong.state).toBe('verifying')
      await driver.partway.resume({ ...driver.caller, id: wrong.uploadId })
      expect((await driver.status(wrong.uploadId)).state).toBe('failed')
      const head = await services().bucket.headObject(stored.object?.key ?? '')
      expect(head.kind).toBe('found')
    })
  })
}
