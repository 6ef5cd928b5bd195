import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needsService } from '../contract/needs-service.js'
import { minioUrl, nginxProgram, ownRedisUrl, redisUrl } from '../helpers/services.js'
import { ScaleFleet } from './scale-fleet.js'
import { UploadCrowd } from './upload-crowd.js'

const UPLOADS = 200
const LIMIT_MS = 180_000

needsService('Redis', redisUrl(), () => {
  needsService('MinIO', minioUrl(), () => {
    needsService('nginx', nginxProgram()?.path ?? '', instances)
  })
})

function instances(): void {
  describe('three servers behind nginx', () => {
    let fleet: ScaleFleet
    beforeAll(async () => {
      fleet = await ScaleFleet.open(ownRedisUrl())
    })
    afterAll(() => fleet?.close())

    it(
      `finish ${UPLOADS} uploads at once though one is killed and another restarted`,
      async () => {
        const crowd = await UploadCrowd.of(fleet, UPLOADS)
        const uploading = crowd.upload()
        const disturbing = (async () => {
          await crowd.reached(0.1)
          await fleet.kill(0)
          await crowd.reached(0.4)
          await fleet.restart(0)
          await fleet.restart(1)
        })()
        const [results] = await Promise.all([uploading, disturbing])
        await crowd.verify(results)
      },
      LIMIT_MS,
    )

    it(
      'are restarted, one by one, without a single call that fails',
      async () => {
        const statuses = new Map<number | string, number>()
        let isOver = false
        const caller = async (position: number) => {
          for (let call = 0; !isOver; call++) {
            const status = await init(fleet, `${position}-${call}.bin`)
            statuses.set(status, (statuses.get(status) ?? 0) + 1)
            await sleep(20)
          }
        }
        const callers = Array.from({ length: 4 }, (_, position) => caller(position))
        for (let server = 0; server < 3; server++) await fleet.restart(server)
        isOver = true
        await Promise.all(callers)
        expect([...statuses.keys()]).toEqual([201])
      },
      LIMIT_MS,
    )
  })
}

async function init(fleet: ScaleFleet, filename: string): Promise<number | string> {
  const [account] = fleet.accounts
  try {
    const reply = await fetch(`${fleet.url}/upload/init`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${account?.token}` },
      body: JSON.stringify({ filename, size: 1_000 }),
    })
    await reply.arrayBuffer()
    return reply.status
  } catch (error) {
    return String(error)
  }
}
