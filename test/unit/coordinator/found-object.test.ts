import { beforeEach, describe, expect, it } from 'vitest'
import { S3_LIMITS } from '../../../src/protocol/index.js'
import { PartwayDriver, refusalOf } from '../../contract/partway-driver.js'
import { MemoryBucket } from '../../helpers/memory-bucket.js'
import { memoryServices } from '../../helpers/memory-services.js'
import { SampleFile } from '../../helpers/sample-file.js'

const CHUNK = 4

/** The record says `uploading`, and the bucket has already made the object. */
describe('an object that its record does not know of', () => {
  const bucket = new MemoryBucket({ minPartSize: CHUNK })
  const services = memoryServices(bucket)
  const file = new SampleFile(2 * CHUNK)
  let driver: PartwayDriver
  let uploadId: string

  beforeEach(async () => {
    const limits = { ...S3_LIMITS, minPartSize: CHUNK }
    driver = new PartwayDriver(services, { settings: { limits } })
    uploadId = (await driver.init(file, { checksum: 'none', chunkSize: CHUNK })).uploadId
  })

  it('makes the upload completed when its status is asked of the bucket', async () => {
    await completeBehindItsBack([1, 2])
    expect(await driver.status(uploadId, true)).toMatchObject({
      state: 'completed',
      object: { size: file.size },
    })
  })

  it('makes the upload failed, never completed, when it is shorter than the file', async () => {
    await completeBehindItsBack([1])
    expect((await refusalOf(driver.complete(uploadId))).code).toBe('CHECKSUM_MISMATCH')
    expect((await driver.status(uploadId)).state).toBe('failed')
  })

  async function completeBehindItsBack(indexes: readonly number[]): Promise<void> {
    const session = await services.store.find(
      { ...driver.caller, id: uploadId },
      driver.clock.now(),
    )
    const { key = '', multipartId = '' } = session?.upload ?? {}
    const layout = { size: file.size, chunkSize: CHUNK, totalChunks: 2 }
    const parts = await Promise.all(
      indexes.map(async (index) => {
        const put = { key, multipartId, index }
        return { index, ...(await bucket.putPart(put, file.part(layout, index))) }
      }),
    )
    const target = { key, multipartId, checksum: 'none' as const, size: file.size }
    await bucket.completeMultipartUpload({ ...target, parts })
  }
})
