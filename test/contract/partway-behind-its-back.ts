import { beforeEach, describe, expect, it } from 'vitest'
import { MIB } from '../../src/protocol/index.js'
import { SampleFile } from '../helpers/sample-file.js'
import { PartwayDriver, type PartwayServices, refusalOf } from './partway-driver.js'

const PART = 5 * MIB

/** What others do to the bucket, or a broken connection, is found out and made good. */
export function behindItsBackContract(services: () => PartwayServices): void {
  describe('what happens behind its back', () => {
    const file = new SampleFile(2 * PART + 12_345)
    let driver: PartwayDriver
    beforeEach(() => {
      driver = new PartwayDriver(services())
    })

    const begin = () => driver.init(file, { chunkSize: PART })

    it('opens anew under the same id when the multipart upload vanished', async () => {
      const upload = await begin()
      await driver.sendAndReport(file, upload, [1, 2])
      await removeMultipart(upload.uploadId)
      const found = await driver.status(upload.uploadId, true)
      expect(found).toMatchObject({ state: 'uploading', uploaded: [] })
      await driver.sendAndReport(file, found, [1, 2, 3])
      expect((await driver.complete(upload.uploadId)).state).toBe('completed')
    })

    it('says that every part is missing when that is found at completion', async () => {
      const upload = await begin()
      await driver.sendAndReport(file, upload, [1, 2, 3])
      await removeMultipart(upload.uploadId)
      const refusal = await refusalOf(driver.complete(upload.uploadId))
      expect(refusal.code).toBe('PARTS_MISSING')
      expect(refusal.details.missing).toEqual([[1, 3]])
      await driver.sendAndReport(file, upload, [1, 2, 3])
      expect((await driver.complete(upload.uploadId)).state).toBe('completed')
    })

    it('does not say completed of a file whose object was deleted', async () => {
      const upload = await begin()
      await driver.sendAndReport(file, upload, [1, 2, 3])
      const done = await driver.complete(upload.uploadId)
      expect(await begin()).toMatchObject({ state: 'completed', object: done.object })
      await services().deleteObject(done.object?.key ?? '')
      const again = await begin()
      expect(again).toMatchObject({
        uploadId: upload.uploadId,
        state: 'uploading',
        uploaded: [],
      })
    })

    it('goes on after the reply to the creation was lost', async () => {
      driver.tap.after = (method) => {
        if (method === 'createMultipartUpload') throw new Error('connection reset')
      }
      expect((await refusalOf(begin())).code).toBe('BUCKET_UNAVAILABLE')
      driver.tap.reset()
      driver.clock.advance(16_000)
      const upload = await begin()
      await driver.sendAndReport(file, upload, [1, 2, 3])
      expect((await driver.complete(upload.uploadId)).state).toBe('completed')
    })

    async function removeMultipart(id: string): Promise<void> {
      const session = await services().store.find({ ...driver.caller, id }, driver.clock.now())
      const { key = '', multipartId = '' } = session?.upload ?? {}
      await services().bucket.abortMultipartUpload({ key, multipartId })
    }
  })
}
