import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GIB, MIB } from '../../src/protocol/index.js'
import { needsService } from '../contract/needs-service.js'
import { minioUrl, nginxProgram, ownRedisUrl, redisUrl } from '../helpers/services.js'
import type { Told } from './event-audience.js'
import { RelayedUpload } from './relayed-upload.js'
import { ScaleFleet } from './scale-fleet.js'
import { UploadCrowd } from './upload-crowd.js'

const UPLOADS = 200
const LIMIT_MS = 240_000
/** By one server to one receiver. */
const SENT_AT_ONCE = 8

needsService('Redis', redisUrl(), () => {
  needsService('MinIO', minioUrl(), () => {
    needsService('nginx', nginxProgram()?.path ?? '', instances)
  })
})

function instances(): void {
  describe('three servers behind nginx', () => {
    let fleet: ScaleFleet
    let mayBeTold: Set<Told>
    beforeAll(async () => {
      fleet = await ScaleFleet.open(ownRedisUrl())
    })
    afterAll(() => fleet?.close())

    it(
      `finish ${UPLOADS} uploads at once though one is killed and another restarted`,
      async () => {
        const crowd = await UploadCrowd.of(fleet, UPLOADS)
        const answerAgain = fleet.audience.fallSilent()
        const uploading = crowd.upload()
        const disturbing = (async () => {
          await crowd.reached(0.1)
          // No two servers send so many at once, so each has events in hand: so has the one that is killed.
          await expect
            .poll(() => fleet.audience.kept, { timeout: 60_000 })
            .toBeGreaterThan(2 * SENT_AT_ONCE)
          const { abandoned } = fleet.audience
          await fleet.kill(0)
          await expect
            .poll(() => fleet.audience.abandoned, { timeout: 30_000 })
            .toBeGreaterThan(abandoned)
          answerAgain()
          await crowd.reached(0.4)
          await fleet.restart(0)
          await fleet.restart(1)
        })()
        const [results] = await Promise.all([uploading, disturbing])
        await crowd.verify(results)
        mayBeTold = crowd.toBeTold(results)
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

    it('take a part through nginx as it comes, also when one of them is not there', async () => {
      const upload = await RelayedUpload.begin(fleet)
      await fleet.kill(2)
      // nginx asks the servers in turn.
      for (let time = 0; time < 4; time++) expect(await upload.sendPart()).toBe(200)
      // As large as any part in its form, but this one is not: a server says so, which it could not if nginx waited for the rest.
      expect(await upload.sendBeginning(5 * GIB + MIB)).toBe(400)
      expect(await upload.sendBeginning(6 * GIB)).toBe(413)
      await fleet.restart(2)
    })

    it(
      `have told by webhook of each of the ${UPLOADS}, though the one that was killed had some of that in hand`,
      async () => {
        await fleet.audience.hasHeard(mayBeTold)
        fleet.audience.heardNothingBut(mayBeTold)
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
