import type { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { redisConcerns } from '../../../src/sessions/redis/concerns.js'

interface Settings {
  readonly maxmemory?: number
  readonly policy?: string
  readonly appendOnly?: boolean
  readonly save?: string
  readonly forbidden?: readonly ('info' | 'config')[]
}

function redisWith(settings: Settings): Redis {
  const { maxmemory = 0, policy = 'noeviction', appendOnly = true, save = '' } = settings
  const allow = (command: 'info' | 'config') => {
    if (settings.forbidden?.includes(command)) throw new Error('NOPERM')
  }
  const sections = {
    memory: `# Memory\r\nmaxmemory:${maxmemory}\r\nmaxmemory_human:0B\r\nmaxmemory_policy:${policy}\r\n`,
    persistence: `# Persistence\r\nloading:0\r\naof_enabled:${appendOnly ? 1 : 0}\r\n`,
  }
  const redis = {
    ping: async () => 'PONG',
    info: async (section: keyof typeof sections) => {
      allow('info')
      return sections[section]
    },
    config: async () => {
      allow('config')
      return ['save', save]
    },
  }
  return redis as unknown as Redis
}

describe('redisConcerns', () => {
  it('has none about a Redis that evicts nothing and keeps its data', async () => {
    expect(await redisConcerns(redisWith({ maxmemory: 1_000 }))).toEqual([])
    expect(await redisConcerns(redisWith({ appendOnly: false, save: '3600 1' }))).toEqual([])
  })

  it('warns of a Redis that may drop keys, and names the setting', async () => {
    const concerns = await redisConcerns(redisWith({ maxmemory: 1_000, policy: 'allkeys-lru' }))
    expect(concerns).toEqual([expect.stringMatching(/forget uploads.*allkeys-lru.*noeviction/)])
  })

  it('lets the policy be when memory has no limit, because nothing is evicted then', async () => {
    expect(await redisConcerns(redisWith({ policy: 'allkeys-lru' }))).toEqual([])
  })

  it('warns when nothing is kept over a restart', async () => {
    const concerns = await redisConcerns(redisWith({ appendOnly: false }))
    expect(concerns).toEqual([expect.stringMatching(/nothing over a restart.*appendonly/)])
  })

  it('says what it could not check', async () => {
    const noConfig = redisWith({ appendOnly: false, forbidden: ['config'] })
    expect(await redisConcerns(noConfig)).toEqual([
      expect.stringMatching(/^Could not check.*restart/),
    ])
    expect(await redisConcerns(redisWith({ forbidden: ['config', 'info'] }))).toEqual([
      expect.stringMatching(/^Could not check.*evict/),
      expect.stringMatching(/^Could not check.*restart/),
    ])
  })
})
