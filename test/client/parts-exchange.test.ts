import { beforeEach, describe, expect, it } from 'vitest'
import { CoordinatorApi } from '../../src/client/api.js'
import { ALWAYS_ONLINE } from '../../src/client/online.js'
import { PartsExchange } from '../../src/client/parts-exchange.js'
import type { CallRequest, HttpReply, Transport } from '../../src/client/ports.js'
import { json } from './support/fake-service.js'
import { VirtualClock } from './support/virtual-clock.js'

const settle = () => new Promise((resolve) => setTimeout(resolve))

/** Signs whatever it is asked for, and keeps which parts were asked for together. */
class Signer implements Transport {
  readonly obeysCors = false
  readonly calls: number[][] = []

  async call({ body = '', signal }: CallRequest): Promise<HttpReply> {
    signal.throwIfAborted()
    const { sign }: { sign: { index: number }[] } = JSON.parse(body)
    this.calls.push(sign.map(({ index }) => index))
    const parts = sign.map(({ index }) => ({
      ...{ index, size: 10, url: `https://bucket.test/${index}`, headers: {}, expires_in: 900 },
    }))
    return json({ upload_id: 'id', uploaded_count: 0, parts })
  }

  connectionsTo(): number {
    return 6
  }

  putPart(): Promise<HttpReply> {
    throw new Error('no part is sent here')
  }
}

describe('the talk about parts', () => {
  let signer: Signer
  let exchange: PartsExchange
  /** Parts that have their URL and wait for a connection; less than 0 when connections wait. */
  let reserve: number
  let stop: AbortController

  beforeEach(() => {
    signer = new Signer()
    reserve = 3
    stop = new AbortController()
    const ports = { transport: signer, clock: new VirtualClock(), random: () => 0 }
    const api = new CoordinatorApi({
      server: 'https://partway.test',
      ports: { ...ports, online: ALWAYS_ONLINE },
    })
    exchange = new PartsExchange(api, 'id', { signal: stop.signal, reserve: () => reserve })
  })

  it('does not keep a part waiting when a connection does', async () => {
    reserve = -1
    const signed = await exchange.sign({ index: 1 })
    expect(signed.url).toBe('https://bucket.test/1')
  })

  it('asks for several parts in one call when the reserve becomes small', async () => {
    const both = [exchange.sign({ index: 1 }), exchange.sign({ index: 2 })]
    await settle()
    expect(signer.calls).toEqual([])
    reserve = 0
    exchange.proceed()
    expect((await Promise.all(both)).map(({ index }) => index)).toEqual([1, 2])
    expect(signer.calls).toEqual([[1, 2]])
  })

  it.each([
    { others: 0, enough: 2 },
    { others: 1, enough: 4 },
    { others: 2, enough: 6 },
    { others: 3, enough: 8 },
    { others: 100, enough: 8 },
  ])('waits for $enough parts while $others others can be sent', async ({ others, enough }) => {
    reserve = others
    const indices = Array.from({ length: enough }, (_, i) => i + 1)
    const all = indices.slice(1).map((index) => exchange.sign({ index }))
    await settle()
    expect(signer.calls).toEqual([])
    await Promise.all([...all, exchange.sign({ index: 1 })])
    expect(signer.calls).toEqual([[...indices.slice(1), 1]])
  })

  it('asks at once for a part that has a connection, and for the others with it', async () => {
    const patient = exchange.sign({ index: 2 })
    await settle()
    await Promise.all([exchange.sign({ index: 1 }, true), patient])
    expect(signer.calls).toEqual([[2, 1]])
    const next = exchange.sign({ index: 3 })
    await settle()
    expect(signer.calls).toHaveLength(1)
    reserve = -1
    exchange.proceed()
    await next
  })

  it('makes one call at a time', async () => {
    reserve = -1
    const first = exchange.sign({ index: 1 })
    await Promise.resolve()
    const others = [exchange.sign({ index: 2 }), exchange.sign({ index: 3 })]
    await Promise.all([first, ...others])
    expect(signer.calls).toEqual([[1], [2, 3]])
  })

  it('keeps nobody waiting once it was stopped', async () => {
    const waiting = exchange.sign({ index: 1 })
    await settle()
    stop.abort(new Error('stopped'))
    reserve = -1
    exchange.proceed()
    await expect(waiting).rejects.toThrow('stopped')
  })
})
