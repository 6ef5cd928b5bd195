import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Cluster, Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/coordinator/create-partway.js'
import {
  type BullQueueOptions,
  openBullQueue,
  type QueueEvents,
  type WorkQueue,
} from '../../src/operations/index.js'
import { queueConnection } from '../../src/sessions/redis/index.js'
import { startRedis } from '../helpers/own-redis.js'
import { NodeProcess } from '../helpers/programs.js'
import { RedisGate } from '../helpers/redis-gate.js'
import { redisUrl } from '../helpers/services.js'
import { needsService } from './needs-service.js'
import { aWhile, Hand, job, PATIENCE, workQueueContract } from './work-queue.contract.js'

const url = redisUrl()
const WORKER = fileURLToPath(new URL('../helpers/queue-worker-main.ts', import.meta.url))

needsService('Redis', url, () => {
  describe('the queue of BullMQ', () => {
    const faults: string[] = []
    let undo: (() => unknown)[] = []
    afterEach(async () => {
      for (const step of undo.reverse()) await step()
      undo = []
      faults.length = 0
    })

    async function open(
      events: QueueEvents,
      { at = url, ...options }: Partial<BullQueueOptions> & { at?: string } = {},
    ): Promise<WorkQueue> {
      const queue = await openBullQueue({
        ...events,
        connect: queueConnection(at).connect,
        prefix: newPrefix(),
        clock: systemClock,
        onFault: ({ message }) => faults.push(message),
        lockMs: 1_000,
        ...options,
      })
      undo.push(() => queue.close())
      return queue
    }

    const newPrefix = () => `test:{${randomUUID()}}`

    function client(at = url): Redis {
      const redis = new Redis(at)
      undo.push(() => redis.disconnect())
      return redis
    }

    workQueueContract((events) => open(events))

    it('gives a job to one of many processes, and to another what one breaks off', async () => {
      const prefix = newPrefix()
      const hands = [new Hand(), new Hand()]
      const queues = await Promise.all(hands.map((hand) => open(hand, { prefix })))
      queues.forEach((queue, i) => void queue.run(hands[i]?.settle(1) ?? {}))
      await queues[0]?.add([job('a', '1'), job('a', '2')])
      await expect.poll(() => hands.map(({ begun }) => begun.length), PATIENCE).toEqual([1, 1])
      const left = hands[0]?.begun[0] ?? ''
      await queues[0]?.close()
      hands[1]?.finish('1', '2')
      await expect.poll(() => hands[1]?.ended.toSorted(), PATIENCE).toEqual(['1', '2'])
      expect(hands[0]).toMatchObject({ brokenOff: [left], ended: [], faults: [] })
    })

    it('gives the job of a process that was killed to another', async () => {
      const prefix = newPrefix()
      const own = await startRedis(url, ['--maxmemory-policy', 'allkeys-lru'])
      undo.push(() => own.stop())
      const process = new NodeProcess(['--import', 'tsx', WORKER, own.url, prefix])
      undo.push(() => process.kill('SIGKILL'))
      const hand = new Hand()
      const queue = await open(hand, { prefix, at: own.url })
      await queue.add([job('a', '1')])
      // Nothing else: BullMQ would warn of a Redis that may evict keys, which is for `partway doctor` to do.
      await expect.poll(() => process.log.trim(), PATIENCE).toBe('begun 1')
      queue.run(hand.settle(1))
      await aWhile()
      expect(hand.begun).toEqual([])
      await process.kill('SIGKILL')
      await expect.poll(() => hand.begun, PATIENCE).toEqual(['1'])
      hand.finish('1')
      await expect.poll(() => hand.ended, PATIENCE).toEqual(['1'])
    })

    it('lets a process end that has closed it', async () => {
      const prefix = newPrefix()
      const process = new NodeProcess(['--import', 'tsx', WORKER, url, prefix])
      undo.push(() => process.kill('SIGKILL'))
      const hand = new Hand()
      const queue = await open(hand, { prefix })
      await queue.add([job('a', '1')])
      await expect.poll(() => process.log.trim(), PATIENCE).toBe('begun 1')
      expect((await process.kill('SIGTERM')).stdout).toBe('begun 1\nends ')
      queue.run(hand.settle(1))
      await expect.poll(() => hand.begun, PATIENCE).toEqual(['1'])
    })

    it('has all its keys in one slot of a Cluster', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'partway-cluster-'))
      undo.push(() => rm(folder, { recursive: true }))
      const cluster = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1']
      const own = await startRedis(url, [...cluster, '--dir', folder])
      undo.push(() => own.stop())
      await client(own.url).cluster('ADDSLOTSRANGE', 0, 16_383)
      const connect = () => new Cluster([own.url], { redisOptions: { maxRetriesPerRequest: null } })
      const hand = new Hand()
      hand.finish('1', '2')
      const queue = await open(hand, { connect, prefix: `${newPrefix()}:more` })
      queue.run({ ...hand.settle(2), sweep: hand.counts('sweep') })
      queue.schedule('sweep', 1_000)
      const adding = () => queue.add([job('a', '1'), job('b', '2')]).then(() => 'added', String)
      await expect.poll(adding, PATIENCE).toBe('added')
      await expect.poll(() => hand.ended.toSorted(), PATIENCE).toEqual(['1', '2'])
      await expect.poll(() => hand.begun, PATIENCE).toContain('sweep')
      expect((await queue.waiting()).settle).toBe(0)
      await queue.close()
    })

    it('repeats for all processes together, not for each', async () => {
      const prefix = newPrefix()
      const hand = new Hand()
      const queues = await Promise.all([1, 2, 3].map(() => open(hand, { prefix, renewMs: 100 })))
      const startedAt = Date.now()
      for (const queue of queues) {
        queue.run({ sweep: hand.counts('sweep') })
        queue.schedule('sweep', 1_000)
      }
      await expect.poll(() => hand.begun.length, PATIENCE).toBeGreaterThan(3)
      // The first comes at once, one may be under way.
      expect(hand.begun.length).toBeLessThanOrEqual(2 + (Date.now() - startedAt) / 1_000)
      expect(faults).toEqual([])
    })

    it('goes on repeating when Redis has lost everything', async () => {
      const [prefix, redis, hand] = [newPrefix(), client(), new Hand()]
      const queue = await open(hand, { prefix, renewMs: 100 })
      queue.run({ ...hand.settle(1), sweep: hand.counts('sweep') })
      queue.schedule('sweep', 300)
      await expect.poll(() => hand.begun.length, PATIENCE).toBeGreaterThan(1)
      await redis.del(...(await redis.keys(`${prefix}:*`)))
      const before = hand.begun.length
      await expect.poll(() => hand.begun.length, PATIENCE).toBeGreaterThan(before + 1)
      hand.finish('1')
      await queue.add([job('a', '1')])
      await expect.poll(() => hand.ended, PATIENCE).toEqual(['1'])
    })

    it('keeps nothing of jobs that are over', async () => {
      const [prefix, redis, hand] = [newPrefix(), client(), new Hand()]
      const queue = await open(hand, { prefix })
      const ids = Array.from({ length: 50 }, (_, i) => `id-${i}`)
      hand.finish('bad', ...ids)
      queue.run(hand.settle(2))
      await queue.add(['bad', ...ids].map((id) => job(id, id)))
      await expect.poll(() => hand.ended.length, PATIENCE).toBe(ids.length)
      const left = async () => {
        const keys = await redis.keys(`${prefix}:settle:*`)
        return keys.map((key) => key.slice(`${prefix}:settle:`.length)).sort()
      }
      await expect.poll(left, PATIENCE).not.toContainEqual(expect.stringMatching(/^settle-/))
      // Those that BullMQ has of a queue, whose size does not depend on the jobs.
      const own = ['events', 'id', 'marker', 'meta', 'stalled', 'stalled-check']
      for (const key of await left()) expect(own).toContain(key)
    })

    it('takes no more than Redis can bear', async () => {
      const queue = await open(new Hand())
      const many = (first: number) =>
        Array.from({ length: 500 }, (_, i) => job('a', String(first + i)))
      for (const first of [0, 500, 1_000, 1_500]) await queue.add(many(first))
      expect((await queue.waiting()).settle).toBe(1_000)
    })

    it('can be opened and closed while Redis is away, and tells of that once', async () => {
      const gate = new RedisGate(url)
      const at = await gate.listen()
      await gate.close()
      const hand = new Hand()
      const queue = await open(hand, { at })
      queue.run(hand.settle(1))
      queue.schedule('sweep', 1_000)
      await expect(queue.add([job('a', '1')])).rejects.toThrow()
      await expect(queue.waiting()).rejects.toThrow()
      await aWhile()
      expect(faults).toEqual([expect.stringContaining('ECONNREFUSED')])
      await queue.close()
    })

    it('works as soon as Redis is there, and again after it was away', async () => {
      const gate = new RedisGate(url)
      const at = await gate.listen()
      await gate.close()
      const hand = new Hand()
      hand.finish('1', '2')
      const queue = await open(hand, { at })
      queue.run({ ...hand.settle(1), janitor: hand.counts('janitor') })
      queue.schedule('janitor', 3_600_000)
      for (const id of ['1', '2']) {
        await gate.listen()
        undo.push(() => gate.close())
        await expect
          .poll(() => queue.add([job('a', id)]).then(() => 'added', String), PATIENCE)
          .toBe('added')
        await expect.poll(() => hand.ended, PATIENCE).toContain(id)
        await gate.close()
      }
      expect(hand.begun).toContain('janitor')
      await queue.close()
    })

    it('closes while Redis is away and a job is under way', async () => {
      const gate = new RedisGate(url)
      const at = await gate.listen()
      const [prefix, hand] = [newPrefix(), new Hand()]
      const queue = await open(hand, { at, prefix })
      queue.run(hand.settle(1))
      await queue.add([job('a', '1')])
      await expect.poll(() => hand.begun, PATIENCE).toEqual(['1'])
      await gate.close()
      await queue.close()
      const other = await open(hand, { prefix })
      other.run(hand.settle(1))
      await expect.poll(() => hand.begun, PATIENCE).toEqual(['1', '1'])
    })
  })
})
