import { afterEach, describe, expect, it } from 'vitest'
import { needsService } from '../contract/needs-service.js'
import { RedisCluster } from '../helpers/redis-cluster.js'
import { RedisSentinels } from '../helpers/redis-sentinels.js'
import { minioUrl, nginxProgram, redisProgram } from '../helpers/services.js'
import { Signal } from '../helpers/signal.js'
import { ScaleFleet } from './scale-fleet.js'
import { UploadCrowd } from './upload-crowd.js'

const UPLOADS = 60
const LIMIT_MS = 180_000

needsService('redis-server', redisProgram()?.path ?? '', () => {
  needsService('MinIO', minioUrl(), () => {
    needsService('nginx', nginxProgram()?.path ?? '', changes)
  })
})

function changes(): void {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function fleetOn(store: string): Promise<ScaleFleet> {
    const fleet = await ScaleFleet.open(store)
    closing.push(() => fleet.close())
    return fleet
  }

  describe('uploads through three servers', () => {
    it(
      'are all completed, and none falsely, though Sentinels put a replica in place that lacks what was acknowledged',
      async () => {
        const redis = await RedisSentinels.start()
        closing.push(() => redis.stop())
        const fleet = await fleetOn(redis.url)
        const crowd = await UploadCrowd.of(fleet, UPLOADS)
        const cut = new Signal()
        const uploading = crowd.upload(cut.given)
        const disturbing = (async () => {
          await crowd.reached(0.1)
          await redis.cutReplication()
          // However quick the others were, some are acknowledged from now on.
          cut.give()
          await crowd.more(UPLOADS / 4)
          await redis.failOver()
        })()
        const [told] = await Promise.all([uploading, disturbing])
        expect(await crowd.forgotten(told)).toBeGreaterThan(0)
        // Who asks again is told the same, though the record of some says something else by now.
        const again = await crowd.upload()
        expect(again).toEqual(told)
        await crowd.verify(again)
        // Events were lost with the records that had them: not all are told of, but of none is told what is not so.
        expect(fleet.audience.heard.size).toBeGreaterThan(0)
        fleet.audience.heardNothingBut(crowd.toBeTold(again))
      },
      LIMIT_MS,
    )

    it(
      'are all completed, and none falsely, while the slots of a Cluster move from node to node',
      async () => {
        const redis = await RedisCluster.start()
        closing.push(() => redis.stop())
        const fleet = await fleetOn(redis.url)
        const crowd = await UploadCrowd.of(fleet, UPLOADS)
        let moved = 0
        const resharding = async () => {
          while (crowd.ended < UPLOADS) moved += await redis.reshard()
        }
        const [results] = await Promise.all([crowd.upload(), resharding()])
        // Each owner has a slot.
        expect(moved).toBeGreaterThan(fleet.accounts.length)
        await crowd.verify(results)
        await fleet.audience.hasHeard(crowd.toBeTold(results))
        fleet.audience.heardNothingBut(crowd.toBeTold(results))
      },
      LIMIT_MS,
    )
  })
}
