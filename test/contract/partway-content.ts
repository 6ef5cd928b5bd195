import { beforeEach, describe, expect, it } from 'vitest'
import { checkContent } from '../../src/operations/content-check.js'
import { MIB } from '../../src/protocol/index.js'
import { SampleFile } from '../helpers/sample-file.js'
import { PartwayDriver, type PartwayServices, refusalOf } from './partway-driver.js'

const PART = 5 * MIB
const JPEG = '\xff\xd8\xff\xe0\0\x10JFIF'

/** What those get who ask the bucket for an object, and that it is what it is said to be. */
export function contentContract(services: () => PartwayServices): void {
  /** Begins as a picture does. */
  const picture = new SampleFile(PART + 99)
  picture.bytes.write(JPEG, 'latin1')
  /** Begins as a program does. */
  const program = new SampleFile(PART + 99)
  program.bytes.write('MZ\x90\0', 'latin1')

  async function arrived(driver: PartwayDriver, file: SampleFile, request: object) {
    const upload = await driver.init(file, { chunkSize: PART, ...request })
    await driver.sendAndReport(file, upload, [1, 2])
    return upload.uploadId
  }

  describe('how an object is kept', () => {
    let driver: PartwayDriver
    beforeEach(() => {
      driver = new PartwayDriver(services())
    })

    async function served(request: object) {
      const uploadId = await arrived(driver, picture, request)
      const { object } = await driver.complete(uploadId)
      return services().served(object?.key ?? '')
    }

    it('is as its uploader said, to be saved under its name and not shown', async () => {
      expect(await served({ filename: 'a.jpg', contentType: 'image/jpeg' })).toEqual({
        type: 'image/jpeg',
        disposition: `attachment; filename="a.jpg"; filename*=UTF-8''a.jpg`,
      })
    })

    it('has a name in full and one in ASCII, whatever is in it', async () => {
      const filename = `Grüße "1"; 50% 'a' \\🎉.svg`
      expect(await served({ filename, contentType: 'image/svg+xml' })).toEqual({
        type: 'application/octet-stream',
        disposition: `attachment; filename="_.svg"; filename*=UTF-8''%F0%9F%8E%89.svg`,
      })
    })

    it.each(['text/html', 'image/svg+xml', 'application/xhtml+xml'])(
      'is no %s, which a browser would run',
      async (contentType) => {
        expect(await served({ filename: 'a.html', contentType })).toMatchObject({
          type: 'application/octet-stream',
        })
      },
    )

    it('is no type at all where none was said, whatever the name says', async () => {
      expect(await served({ filename: 'a.html' })).toMatchObject({
        type: 'application/octet-stream',
      })
    })
  })

  describe('an object whose type is checked', () => {
    let driver: PartwayDriver
    beforeEach(() => {
      driver = new PartwayDriver(services(), { contentCheck: checkContent })
    })

    const isThere = async (uploadId: string) =>
      (await services().bucket.headObject(`${uploadId}/sample.bin`)).kind === 'found'

    it('is completed in the same call when its first bytes fit, of which no more are read', async () => {
      const uploadId = await arrived(driver, picture, { contentType: 'image/jpeg' })
      driver.tap.reset()
      expect((await driver.complete(uploadId)).state).toBe('completed')
      expect(driver.tap.calls.filter((call) => call === 'readObject')).toHaveLength(1)
    })

    it('is removed when they do not, and the upload has failed for everybody', async () => {
      const uploadId = await arrived(driver, program, { contentType: 'image/jpeg' })
      const refusal = await refusalOf(driver.complete(uploadId))
      expect(refusal).toMatchObject({ code: 'CONTENT_MISMATCH', status: 422 })
      expect(refusal.message).toContain('image/jpeg')
      expect(await isThere(uploadId)).toBe(false)
      expect((await driver.status(uploadId)).state).toBe('failed')
      expect((await refusalOf(driver.complete(uploadId))).status).toBe(422)
      const again = await driver.init(program, { chunkSize: PART, contentType: 'image/jpeg' })
      expect(again).toMatchObject({ uploadId, state: 'uploading', uploaded: [] })
    })

    it('is not read where nothing was said of its type', async () => {
      const uploadId = await arrived(driver, program, {})
      driver.tap.reset()
      expect((await driver.complete(uploadId)).state).toBe('completed')
      expect(driver.tap.calls).not.toContain('readObject')
    })

    it('is looked at by whoever finds it, when who completed it has died before', async () => {
      for (const [file, state] of [
        [program, 'failed'],
        [picture, 'completed'],
      ] as const) {
        const uploadId = await arrived(driver, file, { contentType: 'image/jpeg' })
        driver.tap.before = (method) => {
          if (method === 'readObject') throw new Error('503')
        }
        expect((await driver.complete(uploadId)).state).toBe('verifying')
        expect((await driver.status(uploadId)).state).toBe('verifying')
        driver.tap.reset()
        driver.clock.advance(3_600_000)
        expect(await driver.due()).toContain(uploadId)
        await driver.another().resume({ ...driver.caller, id: uploadId })
        expect((await driver.status(uploadId)).state).toBe(state)
        expect(await isThere(uploadId)).toBe(state === 'completed')
      }
    })

    it('is looked at before anybody is told, also when the store was lost', async () => {
      const uploadId = await arrived(driver, program, { contentType: 'image/jpeg' })
      const unchecked = new PartwayDriver(services(), { caller: driver.caller })
      expect((await unchecked.complete(uploadId)).state).toBe('completed')
      await driver.loseStore()
      const found = await driver.init(program, { chunkSize: PART, contentType: 'image/jpeg' })
      expect(found).toMatchObject({ uploadId, state: 'verifying' })
      await driver.partway.resume({ ...driver.caller, id: uploadId })
      expect((await driver.status(uploadId)).state).toBe('failed')
      expect(await isThere(uploadId)).toBe(false)
    })

    it('has its hash checked as well', async () => {
      for (const [file, fileHash, state] of [
        [picture, picture.sha256, 'completed'],
        [picture, '0'.repeat(64), 'failed'],
        [program, program.sha256, 'failed'],
      ] as const) {
        const request = { contentType: 'image/jpeg', fileHash }
        const uploadId = await arrived(driver, file, request)
        expect((await driver.complete(uploadId)).state).toBe('verifying')
        await driver.partway.resume({ ...driver.caller, id: uploadId })
        expect((await driver.status(uploadId)).state).toBe(state)
      }
    })

    it('stays when a hash is asked for later, once it was completed', async () => {
      const unchecked = new PartwayDriver(services(), { caller: driver.caller })
      const uploadId = await arrived(unchecked, program, { contentType: 'image/jpeg' })
      await unchecked.complete(uploadId)
      await driver.complete(uploadId, { expectedHash: program.sha256 })
      await driver.partway.resume({ ...driver.caller, id: uploadId })
      expect((await driver.status(uploadId)).state).toBe('completed')
      expect(await isThere(uploadId)).toBe(true)
    })

    it('is left to whoever was first, of many who complete it at once', async () => {
      const uploadId = await arrived(driver, program, { contentType: 'image/jpeg' })
      const calls = Array.from({ length: 5 }, () => driver.another())
      const answers = await Promise.allSettled(
        calls.map((partway) => partway.complete(driver.caller, { uploadId })),
      )
      for (const answer of answers) {
        if (answer.status === 'fulfilled') expect(answer.value.state).toBe('verifying')
        else expect(answer.reason).toMatchObject({ status: 422 })
      }
      expect((await driver.status(uploadId)).state).toBe('failed')
      expect(await isThere(uploadId)).toBe(false)
    })
  })
}
