import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/coordinator/create-partway.js'
import { readConfig } from '../../../src/server/config.js'
import { examineHooks } from '../../../src/server/examine-hooks.js'
import { testServer } from '../operations/outbound/outbound-server.js'

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const OTHER = Buffer.alloc(24, 2).toString('base64')

function read(env: Record<string, string>) {
  const least = { PARTWAY_BUCKET: 'uploads', PARTWAY_SECRET: 'x'.repeat(32) }
  return readConfig({ ...least, PARTWAY_WEBHOOK_SECRET: SECRET, ...env })
}

function problemsOf(env: Record<string, string>): readonly string[] {
  const outcome = read(env)
  return outcome.kind === 'invalid' ? outcome.problems : []
}

describe('the settings of webhooks', () => {
  it('are none by default', () => {
    const outcome = read({})
    expect(outcome.kind === 'ok' && outcome.config.webhooks).toBeUndefined()
  })

  it('name each endpoint by its place, and sign with every secret', () => {
    const outcome = read({
      PARTWAY_WEBHOOK_URL: 'https://a.example/hook?key=1, https://b.example',
      PARTWAY_WEBHOOK_SECRET: `${SECRET},${OTHER}`,
      PARTWAY_WEBHOOK_EVENTS: 'upload.failed, upload.completed',
    })
    const secrets = [SECRET, OTHER]
    expect(outcome.kind === 'ok' && outcome.config.webhooks).toEqual({
      endpoints: [
        { target: '1', url: 'https://a.example/hook?key=1', secrets },
        { target: '2', url: 'https://b.example', secrets },
      ],
      types: ['upload.completed', 'upload.failed'],
    })
  })

  it('may name hosts of the private network that are allowed', () => {
    const url = { PARTWAY_WEBHOOK_URL: 'http://app.internal/hook' }
    expect(problemsOf(url)).toHaveLength(1)
    expect(problemsOf({ ...url, PARTWAY_OUTBOUND_PRIVATE: 'app.internal' })).toEqual([])
  })

  it.each([
    ['no URL', 'somewhere', /^PARTWAY_WEBHOOK_URL must be a URL/],
    ['no TLS', 'http://app.example.com', /must begin with https:/],
    ['credentials', 'https://ada:pw@app.example.com', /must not hold credentials/],
    ['a private address', 'https://10.0.0.1/', /must be on the internet/],
    ['what gives machines their credentials', 'https://169.254.169.254/', /on the internet/],
  ])('refuse %s, and do not repeat it', (_, url, problem) => {
    const [first = '', ...others] = problemsOf({ PARTWAY_WEBHOOK_URL: url })
    expect(first).toMatch(problem)
    expect(others).toEqual([])
    expect(first).not.toContain(url)
  })

  it('say which of several it is', () => {
    const [problem] = problemsOf({ PARTWAY_WEBHOOK_URL: 'https://a.example, nowhere' })
    expect(problem).toMatch(/\(item 2\)$/)
  })

  it('need a secret that is one', () => {
    const env = { PARTWAY_WEBHOOK_URL: 'https://a.example' }
    expect(problemsOf({ ...env, PARTWAY_WEBHOOK_SECRET: '' })).toEqual([
      'PARTWAY_WEBHOOK_SECRET is required: it signs what is sent',
    ])
    for (const secret of ['too-short', `${SECRET}\nwhsec_short`]) {
      const [problem = ''] = problemsOf({ ...env, PARTWAY_WEBHOOK_SECRET: secret })
      expect(problem).toMatch(/^PARTWAY_WEBHOOK_SECRET must be/)
      expect(problem).not.toContain('short')
    }
  })

  it('refuse an event that there is not', () => {
    const env = { PARTWAY_WEBHOOK_URL: 'https://a.example' }
    const [problem] = problemsOf({ ...env, PARTWAY_WEBHOOK_EVENTS: 'upload.begun' })
    expect(problem).toMatch(
      /^PARTWAY_WEBHOOK_EVENTS must be some of upload\.completed, .*upload\.begun/,
    )
  })
})

describe('the examination of webhooks', () => {
  it('says of each endpoint whether it can be reached, and tells it nothing', async () => {
    const server = await testServer((res) => res.end())
    const outcome = read({
      PARTWAY_WEBHOOK_URL: `http://127.0.0.1:${server.port}/,http://127.0.0.1:1/`,
      PARTWAY_OUTBOUND_PRIVATE: 'true',
    })
    if (outcome.kind === 'invalid') throw new Error(outcome.problems.join())
    const [one, other] = await examineHooks(outcome.config, systemClock)
    const text = 'Endpoint 1 of PARTWAY_WEBHOOK_URL can be reached.'
    expect(one).toEqual({ level: 'ok', text })
    expect(other).toMatchObject({ level: 'less', text: expect.stringContaining('ECONNREFUSED') })
    expect(server.received).toEqual([])
  })
})
