import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { connectRedisSessionStore } from '../../src/sessions/redis/index.js'
import { SampleFile } from '../helpers/sample-file.js'
import { minioUrl, redisUrl } from '../helpers/services.js'
import { needsService } from './needs-service.js'
import { PartwayDriver } from './partway-driver.js'
import { openServices } from './partway-services.js'

const DAY_MS = 24 * 60 * 60 * 1000
const COUNT = 200

needsService('Redis', redisUrl(), () => {
  needsService('MinIO', minioUrl(), () => {
    it('leaves nothing of what was abandoned on MinIO, whose records are in Redis', async () => {
      const keyPrefix = `test:${randomUUID()}:`
      const services = await openServices(
        minioUrl(),
        async () => (await connectRedisSessionStore(redisUrl(), { keyPrefix })).store,
      )
      try {
        const driver = new PartwayDriver(services)
        const file = new SampleFile(1_000)
        const { key } = await keyOf(driver, file)
        await driver.sendAndReport(file, await driver.init(file), [1])
        const keys = [key]
        for (let at = 1; at < COUNT; at += 20) {
          const files = Array.from({ length: 20 }, () => new SampleFile(10))
          const begun = await Promise.all(files.map((one) => keyOf(driver, one)))
          keys.push(...begun.map((one) => one.key))
        }
        driver.clock.advance(7 * DAY_MS + 1)
        const janitors = [driver.partway, driver.another()]
        const reports = await Promise.all(janitors.map((one) => one.cleanUp({ pauseMs: 50 })))
        const expired = reports.reduce((sum, report) => sum + report.expired, 0)
        expect(expired).toBe(keys.length)
        // MinIO lists by exact key.
        const open = await Promise.all(keys.map((one) => services.bucket.listMultipartUploads(one)))
        expect(open).toEqual(keys.map(() => ({ kind: 'listed', uploads: [] })))
        const usage = await driver.partway.usage(driver.caller)
        expect(usage).toMatchObject({ openUploads: 0, reservedBytes: 0 })
        expect(await driver.partway.cleanUp()).toMatchObject({ expired: 0, failed: 0 })
      } finally {
        await services.close()
      }
    })
  })
})

/** Begins the upload of the file, and gives the key that its object is to have. */
async function keyOf(driver: PartwayDriver, file: SampleFile): Promise<{ readonly key: string }> {
  const { uploadId } = await driver.init(file)
  const ref = { owner: driver.caller.owner, id: uploadId }
  const found = await driver.services.store.find(ref, driver.clock.now())
  return { key: found?.upload.key ?? '' }
}
