import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { Redis } from 'ioredis'
import { freePort } from './programs.js'

export interface OwnRedis {
  readonly url: string
  stop(): Promise<void>
}

/** A Redis of one's own, of the same program as the one at `like`, with nothing on disk, and with these options. */
export async function startRedis(like: string, options: readonly string[]): Promise<OwnRedis> {
  const [program, port] = [await programOf(like), await freePort()]
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', ...options]
  const child = spawn(program, settings, { stdio: 'ignore' })
  await once(child, 'spawn')
  const isOver = once(child, 'exit')
  const url = `redis://127.0.0.1:${port}`
  const redis = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: 100 })
  redis.on('error', () => {})
  await redis.ping()
  redis.disconnect()
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM')
      await isOver
    },
  }
}

/** The one on the path where that runs elsewhere, such as in a container. */
async function programOf(url: string): Promise<string> {
  const redis = new Redis(url)
  const [, path = ''] = /^executable:(.+)$/m.exec(await redis.info('server')) ?? []
  redis.disconnect()
  return existsSync(path.trim()) ? path.trim() : 'redis-server'
}
