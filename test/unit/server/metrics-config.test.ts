import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../src/server/config.js'

const LEAST = { PARTWAY_BUCKET: 'uploads', PARTWAY_SECRET: 'a-secret-of-at-least-32-bytes-0123' }

function read(address: string) {
  return readConfig({ ...LEAST, PARTWAY_METRICS: address })
}

describe('PARTWAY_METRICS', () => {
  it.each([
    ['9464', '127.0.0.1', 9464],
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['localhost:9464', 'localhost', 9464],
    ['[::1]:9464', '::1', 9464],
  ])('%j is on loopback: %s, %i', (text, host, port) => {
    expect(read(text)).toMatchObject({ config: { metrics: { host, port } }, warnings: [] })
  })

  it.each(['10.0.0.5:9464', '0.0.0.0:9464', '[::]:9464', 'metrics.example:9464'])(
    '%j is meant, and warned of',
    (text) => {
      const outcome = read(text)
      expect(outcome.kind === 'ok' && outcome.warnings.join()).toMatch(
        /^PARTWAY_METRICS is on .+, which is not a loopback address/,
      )
    },
  )

  it.each(['true', '127.0.0.1', ':9464', '::1:9464', '127.0.0.1:70000', 'a b:1', '[nothing]:1'])(
    '%j is no address',
    (text) => {
      const outcome = read(text)
      expect(outcome.kind === 'invalid' && outcome.problems).toEqual([
        `PARTWAY_METRICS must be a port, or an address and a port such as 127.0.0.1:9464 (it is ${JSON.stringify(text)})`,
      ])
    },
  )

  it('is nowhere by default', () => {
    const outcome = readConfig(LEAST)
    expect(outcome.kind === 'ok' && outcome.config.metrics).toBe(undefined)
  })
})
