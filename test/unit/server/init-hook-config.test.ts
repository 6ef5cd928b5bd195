import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/coordinator/create-partway.js'
import { readConfig } from '../../../src/server/config.js'
import { examineHooks } from '../../../src/server/examine-hooks.js'
import { testServer } from '../operations/outbound/outbound-server.js'

const SECRET = Buffer.alloc(32, 1).toString('base64')
const URL_ = 'https://hooks.example.com/uploads?key=hush'

function read(env: Readonly<Record<string, string>>) {
  return readConfig({
    PARTWAY_BUCKET: 'uploads',
    PARTWAY_SECRET: 'a-secret-of-at-least-32-bytes-0123',
    ...env,
  })
}

function problemsOf(env: Readonly<Record<string, string>>): readonly string[] {
  const outcome = read(env)
  return outcome.kind === 'invalid' ? outcome.problems : []
}

describe('the settings of the hook', () => {
  it('are its URL, its secrets and its time', () => {
    const hook = {
      PARTWAY_INIT_HOOK_URL: URL_,
      PARTWAY_INIT_HOOK_SECRET: `${SECRET},whsec_${SECRET}`,
    }
    expect(read({ ...hook, PARTWAY_INIT_HOOK_TIMEOUT: '2s' })).toMatchObject({
      kind: 'ok',
      config: {
        initHook: { url: URL_, secrets: [SECRET, `whsec_${SECRET}`], timeoutMs: 2_000 },
      },
    })
    expect(read(hook)).toMatchObject({ config: { initHook: { timeoutMs: 5_000 } } })
  })

  it.each([
    ['https://hooks example', /must be an address such as/],
    ['http://hooks.example.com/', /must begin with https/],
    ['https://user:hush@hooks.example.com/', /must not hold credentials/],
    ['https://127.0.0.1/hush', /must not lead to a private network/],
    ['https://[::ffff:169.254.169.254]/hush', /must not lead to a private network/],
  ])('do not take %s, and do not repeat it', (url, problem) => {
    const problems = problemsOf({ PARTWAY_INIT_HOOK_URL: url, PARTWAY_INIT_HOOK_SECRET: SECRET })
    expect(problems).toEqual([expect.stringMatching(problem)])
    expect(problems.join()).not.toContain('hush')
  })

  it('take private hosts that are allowed', () => {
    const env = { PARTWAY_INIT_HOOK_URL: 'http://policy:8080/', PARTWAY_INIT_HOOK_SECRET: SECRET }
    expect(problemsOf(env)).toHaveLength(1)
    expect(problemsOf({ ...env, PARTWAY_OUTBOUND_PRIVATE: 'policy' })).toEqual([])
  })

  it.each([
    [{ PARTWAY_INIT_HOOK_URL: URL_ }, /^PARTWAY_INIT_HOOK_SECRET is required/],
    [
      { PARTWAY_INIT_HOOK_URL: URL_, PARTWAY_INIT_HOOK_SECRET: 'too-short' },
      /^PARTWAY_INIT_HOOK_SECRET must be the base64/,
    ],
    [{ PARTWAY_INIT_HOOK_SECRET: SECRET }, /^PARTWAY_INIT_HOOK_SECRET is of no use without/],
    [{ PARTWAY_INIT_HOOK_TIMEOUT: '10m' }, /^PARTWAY_INIT_HOOK_TIMEOUT must be from 100ms to 30s/],
  ])('%j lack something', (env, problem) => {
    const problems = problemsOf(env)
    expect(problems).toEqual([expect.stringMatching(problem)])
    expect(problems.join()).not.toMatch(/hush|too-short/)
  })
})

describe('the examination of the hook', () => {
  async function examined(url: string, allowed = '') {
    const outcome = read({
      PARTWAY_INIT_HOOK_URL: url,
      PARTWAY_INIT_HOOK_SECRET: SECRET,
      PARTWAY_INIT_HOOK_TIMEOUT: '5s',
      PARTWAY_OUTBOUND_PRIVATE: allowed,
    })
    if (outcome.kind === 'invalid') throw new Error(outcome.problems.join())
    return examineHooks(outcome.config, systemClock)
  }

  it('says that it can be reached, and asks it nothing', async () => {
    const server = await testServer((res) => res.end())
    expect(await examined(`http://127.0.0.1:${server.port}/`, 'true')).toEqual([
      { level: 'ok', text: 'The server of PARTWAY_INIT_HOOK_URL can be reached.' },
    ])
    expect(server.received).toEqual([])
  })

  it('says what is in the way', async () => {
    const [absent] = await examined('http://127.0.0.1:1/', 'true')
    expect(absent).toMatchObject({ level: 'broken', text: expect.stringContaining('ECONNREFUSED') })
    const [elsewhere] = await examined('https://localhost:1/')
    expect(elsewhere).toMatchObject({
      level: 'broken',
      text: expect.stringContaining('is on a private network'),
    })
  })

  it('says nothing where there is no hook', async () => {
    const outcome = read({})
    if (outcome.kind === 'invalid') throw new Error('invalid')
    expect(await examineHooks(outcome.config, systemClock)).toEqual([])
  })
})
