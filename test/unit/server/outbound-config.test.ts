import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../src/server/config.js'

const LEAST = { PARTWAY_BUCKET: 'uploads', PARTWAY_SECRET: 'a-secret-of-at-least-32-bytes-0123' }

describe('PARTWAY_OUTBOUND_PRIVATE', () => {
  it.each([
    ['', false],
    ['false', false],
    ['True', true],
    [
      'hooks.internal, 10.0.0.7,[::1],Localhost',
      ['hooks.internal', '10.0.0.7', '::1', 'localhost'],
    ],
  ])('%j allows %j', (text, outboundPrivate) => {
    const outcome = readConfig({ ...LEAST, PARTWAY_OUTBOUND_PRIVATE: text })
    expect(outcome).toMatchObject({ kind: 'ok', config: { outboundPrivate } })
  })

  it.each(['https://hooks.internal', 'hooks:8080', '10.0.0.0/8', 'a b', 'hooks,true', '*'])(
    '%j names no host',
    (text) => {
      const outcome = readConfig({ ...LEAST, PARTWAY_OUTBOUND_PRIVATE: text })
      expect(outcome.kind === 'invalid' && outcome.problems).toEqual([
        expect.stringMatching(
          /^PARTWAY_OUTBOUND_PRIVATE must be true, or the names or addresses of hosts/,
        ),
      ])
    },
  )
})
