import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PartwayDriver, refusalOf } from '../../contract/partway-driver.js'
import { MemoryBucket } from '../../helpers/memory-bucket.js'
import { memoryServices } from '../../helpers/memory-services.js'
import { SampleFile } from '../../helpers/sample-file.js'

/** What happens between the moment at which parts are found lost and the opening of the next epoch. */
describe('an upload whose parts were lost', () => {
  const bucket = new MemoryBucket()
  const services = memoryServices(bucket)
  let driver: PartwayDriver
  let uploadId: string

  beforeEach(async () => {
    driver = new PartwayDriver(services)
    uploadId = (await driver.init(new SampleFile(10), { checksum: 'none' })).uploadId
    for (const { multipartId } of bucket.openUploads()) bucket.forget(multipartId)
  })
  afterEach(() => {
    bucket.onCall = () => {}
  })

  it('stays aborted when its status was being asked for meanwhile', async () => {
    beforeNextHead(async () => {
      await driver.abort(uploadId)
    })
    expect((await driver.status(uploadId, true)).state).toBe('aborted')
    expect(bucket.openUploads()).toEqual([])
  })

  it('stays aborted when a completion that had lost its lease comes late', async () => {
    beforeNextHead(async () => {
      driver.clock.advance(61_000)
      expect((await refusalOf(driver.complete(uploadId))).code).toBe('PARTS_MISSING')
      await driver.abort(uploadId)
    })
    expect((await refusalOf(driver.complete(uploadId))).details.state).toBe('aborted')
    expect((await driver.status(uploadId)).state).toBe('aborted')
    expect(bucket.openUploads()).toEqual([])
  })

  it('is completed at once when another of its multipart uploads has all of them', async () => {
    const file = new SampleFile(10)
    const ghosted = await driver.init(file, { checksum: 'none' })
    const key = `${ghosted.uploadId}/sample.bin`
    for (const { multipartId } of bucket.openUploads()) bucket.forget(multipartId)
    const metadata = { 'partway-token': `${ghosted.uploadId}.1` }
    const request = { key, checksum: 'none' as const, metadata }
    const { multipartId } = await bucket.createMultipartUpload(request)
    await bucket.putPart({ key, multipartId, index: 1 }, file.bytes)
    const done = await driver.complete(ghosted.uploadId)
    expect(done).toMatchObject({ state: 'completed', object: { size: 10 } })
  })

  /** What others do just before the next caller asks for the object. */
  function beforeNextHead(others: () => Promise<void>): void {
    bucket.onCall = async (name) => {
      if (name !== 'headObject') return
      bucket.onCall = () => {}
      await others()
    }
  }
})
