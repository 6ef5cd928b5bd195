import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import {
  signingSecretProblem,
  signMessage,
} from '../../../../src/operations/outbound/sign-message.js'

const first = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const second = Buffer.alloc(24, 2).toString('base64')

describe('a signed message', () => {
  it('is what the specification has as its example', () => {
    // https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/javascript/src/index.test.ts
    const headers = signMessage(['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp: 1_614_265_330_999,
      body: '{"test": 2432232314}',
    })
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
  })

  it('is believed by who knows any of the secrets, and by nobody else', () => {
    const body = '{"name":"Übung"}'
    const headers = signMessage([first, second], { id: 'a', timestamp: Date.now(), body })
    for (const secret of [first, second]) {
      expect(new Webhook(secret).verify(body, headers)).toEqual({ name: 'Übung' })
    }
    const other = new Webhook(Buffer.alloc(32, 3).toString('base64'))
    expect(() => other.verify(body, headers)).toThrow('No matching signature')
    expect(() => new Webhook(first).verify(`${body} `, headers)).toThrow('No matching signature')
  })

  it('is not made without a secret', () => {
    expect(() => signMessage([], { id: 'a', timestamp: 0, body: '' })).toThrow(TypeError)
  })
})

it.each([
  [first, true],
  [second, true],
  [Buffer.alloc(64).toString('base64'), true],
  [Buffer.alloc(23).toString('base64'), false],
  [Buffer.alloc(65).toString('base64'), false],
  ['whsec_', false],
  ['a secret that is no base64 but is long enough', false],
  [`${second}\n`, false],
])('%j is a secret to sign with: %s', (secret, isOne) => {
  expect(signingSecretProblem(secret) === undefined).toBe(isOne)
})
