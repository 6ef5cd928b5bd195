import { beforeEach, describe, expect, it } from 'vitest'
import { type InitReply, MIB } from '../../src/protocol/index.js'
import { SampleFile } from '../helpers/sample-file.js'
import { PartwayDriver, type PartwayServices, refusalOf } from './partway-driver.js'

const PART = 5 * MIB
const OTHER_SHA256 = 'ab'.repeat(32)
const OTHER_MD5 = 'cd'.repeat(16)

/** The hash of a whole file adds up from nothing that the bucket knows: the object is read. */
export function fileHashContract(services: () => PartwayServices): void {
  describe('the hash of the whole file', () => {
    const file = new SampleFile(PART + 4_321)
    const { md5, sha256 } = file
    let driver: PartwayDriver
    beforeEach(() => {
      driver = new PartwayDriver(services())
    })

    async function sent(request = {}): Promise<InitReply> {
      const upload = await driver.init(file, { chunkSize: PART, ...request })
      await driver.sendAndReport(file, upload, [1, 2])
      return upload
    }

    async function isThere(key: string): Promise<boolean> {
      return (await services().bucket.headObject(key)).kind === 'found'
    }

    const resume = (uploadId: string) => driver.partway.resume({ ...driver.caller, id: uploadId })

    for (const [name, request] of [
      ['SHA-256 of init', { fileHash: sha256 }],
      ['SHA-256 of init in capitals', { fileHash: sha256.toUpperCase() }],
      ['MD5 of init', { fileHash: md5 }],
      ['SHA-256 of the completion', { expectedHash: sha256 }],
      ['MD5 of the completion', { expectedHash: md5.toUpperCase() }],
      ['SHA-256 of init and MD5 of the completion', { fileHash: sha256, expectedHash: md5 }],
    ] as const) {
      it(`is verified before the upload is completed: ${name}`, async () => {
        const { fileHash, expectedHash } = {
          fileHash: undefined,
          expectedHash: undefined,
          ...request,
        }
        const { uploadId } = await sent(fileHash === undefined ? {} : { fileHash })
        const end = () =>
          driver.complete(uploadId, expectedHash === undefined ? {} : { expectedHash })
        expect(await end()).toEqual({ uploadId, state: 'verifying' })
        expect((await driver.status(uploadId)).state).toBe('verifying')
        expect(await driver.due()).toContain(uploadId)

        await resume(uploadId)
        const done = await end()
        expect(done.state).toBe('completed')
        const hashes = [fileHash, expectedHash].map((hash) => hash?.toLowerCase())
        if (hashes.includes(sha256)) expect(done.object?.sha256).toBe(sha256)
        if (hashes.includes(md5)) expect(done.object?.md5).toBe(md5)
        expect(await driver.due()).not.toContain(uploadId)
      })
    }

    for (const [name, request] of [
      ['SHA-256 of init', { fileHash: OTHER_SHA256 }],
      ['MD5 of init', { fileHash: OTHER_MD5 }],
      ['SHA-256 of the completion', { expectedHash: OTHER_SHA256 }],
      [
        'MD5 of the completion, with a right SHA-256',
        { fileHash: sha256, expectedHash: OTHER_MD5 },
      ],
    ] as const) {
      it(`makes the upload fail, and its object go, when it is another: ${name}`, async () => {
        const { fileHash, expectedHash } = {
          fileHash: undefined,
          expectedHash: undefined,
          ...request,
        }
        const { uploadId } = await sent(fileHash === undefined ? {} : { fileHash })
        const end = () =>
          driver.complete(uploadId, expectedHash === undefined ? {} : { expectedHash })
        expect((await end()).state).toBe('verifying')
        const key = `${uploadId}/sample.bin`
        expect(await isThere(key)).toBe(true)

        await resume(uploadId)
        expect((await driver.status(uploadId)).state).toBe('failed')
        expect((await refusalOf(end())).code).toBe('CHECKSUM_MISMATCH')
        expect(await isThere(key)).toBe(false)
        const again = await driver.init(file, { chunkSize: PART, ...request })
        expect(again).toMatchObject({ state: 'uploading', uploaded: [] })
      })
    }

    it('is refused before anything is done when it contradicts the one of init', async () => {
      const { uploadId } = await sent({ fileHash: sha256 })
      const error = await refusalOf(driver.complete(uploadId, { expectedHash: OTHER_SHA256 }))
      expect(error.code).toBe('CHECKSUM_MISMATCH')
      expect(error.details.errors?.[0]?.field).toBe('expected_hash')
      expect((await driver.status(uploadId)).state).toBe('uploading')
    })

    it('is verified after the fact, and a wrong one then takes nothing away', async () => {
      const { uploadId } = await sent()
      const done = await driver.complete(uploadId)
      expect((await driver.complete(uploadId, { expectedHash: OTHER_MD5 })).state).toBe('verifying')
      await resume(uploadId)
      expect(await driver.complete(uploadId)).toEqual({ ...done, object: { ...done.object, md5 } })
      const wrong = await refusalOf(driver.complete(uploadId, { expectedHash: OTHER_MD5 }))
      expect(wrong.code).toBe('CHECKSUM_MISMATCH')
      expect((await driver.complete(uploadId, { expectedHash: md5 })).state).toBe('completed')
      expect(await isThere(done.object?.key ?? '')).toBe(true)
    })

    it('is verified of an object that is found after the store was lost', async () => {
      const request = { fileHash: sha256 }
      const { uploadId } = await sent(request)
      await driver.complete(uploadId)
      await driver.loseStore()
      const found = await driver.init(file, { chunkSize: PART, ...request })
      expect(found.state).toBe('verifying')
      await resume(uploadId)
      const done = await driver.complete(uploadId)
      expect(done).toMatchObject({ state: 'completed', object: { sha256: sha256 } })
    })

    it('cannot be verified of an object that somebody removed meanwhile', async () => {
      const { uploadId } = await sent({ fileHash: sha256 })
      await driver.complete(uploadId)
      await services().deleteObject(`${uploadId}/sample.bin`)
      await resume(uploadId)
      expect((await driver.status(uploadId)).state).toBe('failed')
    })

    it('is verified by one of many that try at once', async () => {
      const { uploadId } = await sent({ fileHash: sha256 })
      await driver.complete(uploadId)
      driver.tap.reset()
      const servers = Array.from({ length: 5 }, () => driver.another())
      const ref = { ...driver.caller, id: uploadId }
      await Promise.all(servers.map((server) => server.resume(ref)))
      expect(driver.tap.count('readObject')).toBe(1)
      expect((await driver.status(uploadId)).state).toBe('completed')
    })
  })
}
