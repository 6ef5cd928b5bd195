import { expect, it } from 'vitest'
import { CATALOGUE } from '../../../infra/services/catalogue.js'
import { discover } from '../../../infra/services/discover.js'
import { findServices } from '../../../infra/services/find-services.js'
import { missingNotice } from '../../../infra/services/report.js'
import { type Way, WrongSettingError } from '../../../infra/services/service.js'

const quiet = () => {}

function found(name: string, onStop = async () => {}): Way {
  return { name, find: async () => ({ kind: 'found', url: `at:${name}`, stop: onStop }) }
}

function unavailable(name: string, reason: string): Way {
  return { name, find: async () => ({ kind: 'unavailable', reason }) }
}

function failing(name: string, error: Error): Way {
  return { name, find: async () => Promise.reject(error) }
}

it('takes the first way that has the service, and asks none after it', async () => {
  const never = failing('never', new WrongSettingError('was asked'))
  const ways = [unavailable('first', 'none here'), found('second'), never]
  const discovery = await discover(CATALOGUE.redis, ways, quiet)
  expect(discovery).toMatchObject({ kind: 'found', found: { url: 'at:second' } })
})

it('says why each earlier way had not the service', async () => {
  const lines: string[] = []
  const ways = [
    failing('first', new Error('broken', { cause: new Error('disk') })),
    found('second'),
  ]
  await discover(CATALOGUE.redis, ways, (line) => lines.push(line))
  expect(lines).toEqual(['Redis: not by first: broken (disk)', 'Redis: second'])
})

it('gives all the reasons when no way has the service', async () => {
  const ways = [unavailable('first', 'one'), failing('second', new Error('two'))]
  expect(await discover(CATALOGUE.minio, ways, quiet)).toMatchObject({
    kind: 'missing',
    attempts: [
      { way: 'first', reason: 'one' },
      { way: 'second', reason: 'two' },
    ],
  })
})

it('does not look elsewhere when a setting is wrong', async () => {
  const ways = [failing('first', new WrongSettingError('is not a URL')), found('second')]
  await expect(discover(CATALOGUE.redis, ways, quiet)).rejects.toThrow('is not a URL')
})

it('stops what it started when another service cannot be looked for', async () => {
  const stopped: string[] = []
  const way: Way = {
    name: 'mixed',
    find: async ({ name }) => {
      if (name === 'minio') throw new WrongSettingError('is not a URL')
      const stop = async () => void stopped.push(name)
      return { kind: 'found', url: name, stop }
    },
  }
  const search = findServices({ want: ['redis', 'minio'], ways: [way], log: quiet })
  await expect(search).rejects.toThrow('is not a URL')
  expect(stopped).toEqual(['redis'])
})

it('gives the URLs of what was found and a notice of what was not', async () => {
  const way: Way = {
    name: 'half',
    find: async ({ name }) =>
      name === 'redis'
        ? { kind: 'found', url: 'redis://here', stop: async () => {} }
        : { kind: 'unavailable', reason: 'not today' },
  }
  const services = await findServices({ want: ['redis', 'minio'], ways: [way], log: quiet })
  expect(services.urls).toEqual({ redis: 'redis://here' })
  const notice = missingNotice(services.missing)
  expect(notice).toContain('NO MINIO')
  expect(notice).toContain('half: not today')
  expect(notice).toContain('PARTWAY_TEST_MINIO_URL')
  expect(new Set(notice.split('\n').map((line) => line.length)).size).toBe(1)
})
