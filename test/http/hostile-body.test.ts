import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MemoryBucket } from '../helpers/memory-bucket.js'
import { type HttpApp, post, problemOf, serveRouter } from './http-app.js'
import { memoryPartway } from './memory-partway.js'

/** What is made to hurt a server, rather than wrong by mistake. Only the bucket is not real here. */

const MIB = 1024 * 1024
/**
 * Far more than any request takes the event loop for, on a machine that has other things to do as well, and far
 * less than a pattern takes that goes back and forth over a text of 1 MB.
 */
const LONGEST_TURN_MS = 3_000

const bucket = new MemoryBucket()
const partway = memoryPartway(bucket)
let app: HttpApp

beforeAll(async () => {
  await bucket.start()
  app = await serveRouter({
    partway,
    allowAnonymous: true,
    limits: { small: 8 * MIB, parts: 8 * MIB },
  })
})
afterAll(async () => {
  await app.close()
  await partway.close()
  await bucket.stop()
})

const init = (body: string | object) => post(`${app.url}/upload/init`, body)
const initWith = (members: string) => init(`{"filename":"a.bin","size":10${members}}`)

async function expectRefused(response: Response): Promise<void> {
  const problem = await problemOf(response)
  expect(problem.status).toBeGreaterThanOrEqual(400)
  expect(problem.status).toBeLessThan(500)
}

/** What `work` resolves to, and that it never had the event loop for long. */
async function inShortTurns<T>(work: () => Promise<T>): Promise<T> {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  try {
    return await work()
  } finally {
    delay.disable()
    expect(delay.max / 1e6).toBeLessThan(LONGEST_TURN_MS)
  }
}

describe('JSON', () => {
  it.each([
    ['10,000 levels', `{"filename":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
    ['4 MiB of brackets', '['.repeat(4 * MIB)],
    ['4 MiB of objects in objects', '{"a":'.repeat(MIB)],
    ['a million items', `{"sign":[${'0,'.repeat(MIB)}0]}`],
    ['a million names', `{${'"a":0,'.repeat(MIB)}"a":0}`],
  ])('of %s is refused before it is parsed', async (_, body) => {
    const response = await inShortTurns(() => init(body))
    expect(await problemOf(response)).toMatchObject({
      status: 400,
      detail: 'The body has too many items, or too deep ones',
    })
  })

  it.each([
    ['quotes', `{"a":${'"'.repeat(4 * MIB)}`],
    ['backslashes', `{"a":"${'\\'.repeat(4 * MIB)}"}`],
  ])('of 4 MiB of %s is refused in a short turn', async (_, body) => {
    await inShortTurns(async () => expectRefused(await init(body)))
  })

  it.each(['1e309', '-1e309', '-0', '1e-400', '1E400', '9007199254740993', '1e16', '0.1e1000'])(
    'that gives the size %s is refused',
    async (size) => {
      const response = await init(`{"filename":"a.bin","size":${size}}`)
      expect(await problemOf(response)).toMatchObject({ code: 'INVALID_REQUEST', field: 'size' })
    },
  )

  it.each([
    '{"filename":"a.bin","size":10,"size":20}',
    '{"filename":"a.bin","size":10,"metadata":{"a":"1","a":"2"}}',
    '{"filename":"a.bin","size":10,"si\\u007ae":20}',
    '{"filename":"a.bin","size":10,"__proto__":{},"__proto__":{}}',
  ])('with a name twice is refused: %s', async (body) => {
    const problem = await problemOf(await init(body))
    expect(problem).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
    expect(problem.detail).toContain('a name twice')
  })

  it('may have colons, commas and brackets in its texts', async () => {
    const filename = '"{[a:b,c:d]}\\".bin'
    const response = await init({ filename, size: 10, metadata: { key: '{"a":1,"a":2}' } })
    expect(response.status).toBe(201)
  })

  it.each([
    Buffer.from('{"filename":"\xff\xfe.bin","size":10}', 'latin1'),
    Buffer.from('{"filename":"\xc0\xae\xc0\xae\xc0\xaf","size":10}', 'latin1'),
    Buffer.from('{"filename":"\xed\xa0\x80","size":10}', 'latin1'),
    Buffer.from('{"filename":"a.bin","size":10}', 'utf16le'),
  ])('that is not UTF-8 is refused (%#)', async (body) => {
    const response = await fetch(`${app.url}/upload/init`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
    })
    expect(await problemOf(response)).toMatchObject({ status: 400, code: 'MALFORMED_JSON' })
  })

  it.each(['utf-16', 'utf-16le', 'utf-32', 'utf-7', 'latin1', '"iso-8859-1"', 'x'.repeat(1_000)])(
    'of the charset %s is refused',
    async (charset) => {
      const headers = { 'Content-Type': `application/json; charset=${charset}` }
      const response = await post(`${app.url}/upload/init`, '{"filename":"a","size":1}', headers)
      expect(await problemOf(response)).toMatchObject({ code: 'UNSUPPORTED_MEDIA_TYPE' })
    },
  )

  it.each([
    'application/json; charset=UTF-8',
    'application/json;charset="utf-8"',
    'application/json',
  ])('of the type %s is read', async (type) => {
    const headers = { 'Content-Type': type }
    const response = await post(`${app.url}/upload/init`, '{"filename":"ä.bin","size":1}', headers)
    expect(await response.json()).toMatchObject({ filename: 'ä.bin' })
  })
})

describe('names that objects have by themselves', () => {
  const EVIL = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf']

  function expectUnpolluted(): void {
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
    expect(Reflect.get([], 'polluted')).toBeUndefined()
    expect(Object.keys(Object.prototype)).toEqual([])
  }

  it.each(EVIL)('%s is no field of a request', async (name) => {
    const problem = await problemOf(await initWith(`,"${name}":{"polluted":true}`))
    expect(problem).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
    expect(problem.detail).toContain(name)
    expectUnpolluted()
  })

  it.each(['__proto__', 'constructor', 'prototype'])('%s is no key of metadata', async (name) => {
    for (const value of ['"polluted"', '{"polluted":true}', '{"prototype":{"polluted":true}}']) {
      const problem = await problemOf(await initWith(`,"metadata":{"${name}":${value}}`))
      expect(problem).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
      expect(problem.detail).toContain(name)
    }
    expectUnpolluted()
  })

  it.each(EVIL)('%s is no field of a part', async (name) => {
    const body = `{"upload_id":"a","sign":[{"index":1,"${name}":{"polluted":true}}]}`
    const problem = await problemOf(await post(`${app.url}/upload/parts`, body))
    expect(problem).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
    expectUnpolluted()
  })

  it.each(EVIL)('%s is no parameter of a query', async (name) => {
    for (const parameter of [name, `${name}[polluted]`, `upload_id[${name}][polluted]`]) {
      const query = `upload_id=a&${encodeURIComponent(parameter)}=true`
      const problem = await problemOf(await fetch(`${app.url}/upload/status?${query}`))
      expect(problem).toMatchObject({ status: 400, code: 'INVALID_REQUEST', field: parameter })
    }
    expectUnpolluted()
  })
})

describe('a text of 1 MB', () => {
  const SHAPES: readonly [string, string][] = [
    ['of one letter', 'a'.repeat(MIB)],
    ['of spaces', ` ${' '.repeat(MIB)}x`],
    ['of media type parameters', `a/b${'; a=b'.repeat(MIB / 5)}!`],
    ['of half quotes', `a/b; a="${'\\"'.repeat(MIB / 2)}`],
    ['of dots and slashes', '../'.repeat(MIB / 3)],
    ['of base64 that does not end', `${'A+/='.repeat(MIB / 4)}!`],
    ['of letters that change in NFC', 'e\u0301'.repeat(MIB / 2)],
    ['of surrogates', '\ud83d\ude00'.repeat(MIB / 2)],
    ['of hexadecimal digits', 'af09'.repeat(MIB / 4)],
  ]
  const FIELDS = [
    'filename',
    'digest',
    'file_hash',
    'fingerprint',
    'content_type',
    'checksum',
    'sign',
  ]

  it.each(SHAPES)('%s is refused in every field, in short turns', async (_, text) => {
    await inShortTurns(async () => {
      for (const field of FIELDS) {
        await expectRefused(await init({ filename: 'a.bin', size: 10, [field]: text }))
      }
      const about = { filename: 'a.bin', size: 10 }
      await expectRefused(await init({ ...about, metadata: { key: text } }))
      await expectRefused(await init({ ...about, metadata: { [text]: 'value' } }))
      await expectRefused(await init({ ...about, [text]: 'value' }))
      for (const part of [{ etag: text }, { etag: 'e', checksum: text }]) {
        const body = { upload_id: 'a', uploaded: [{ index: 1, ...part }] }
        await expectRefused(await post(`${app.url}/upload/parts`, body))
      }
      for (const route of ['parts', 'complete', 'abort']) {
        await expectRefused(await post(`${app.url}/upload/${route}`, { upload_id: text }))
      }
      const complete = { upload_id: 'a', digest: text, expected_hash: text }
      await expectRefused(await post(`${app.url}/upload/complete`, complete))
    })
  })

  it.each(SHAPES)('%s is refused in a query as far as a header may go', async (_, text) => {
    const value = encodeURIComponent(text.slice(0, 2_000).replace(/[\ud800-\udbff]$/, ''))
    await inShortTurns(async () => {
      await expectRefused(await fetch(`${app.url}/upload/status?upload_id=${value}`))
      for (const name of ['state', 'limit', 'cursor']) {
        await expectRefused(await fetch(`${app.url}/uploads?${name}=${value}`))
      }
    })
  })
})

it('a name that a client gives to the server is in no address that it answers with', async () => {
  const { request } = await import('node:http')
  const body = JSON.stringify({ filename: 'a.bin', size: 10, checksum: 'none', sign: 'all' })
  const reply = await new Promise<string>((resolve, reject) => {
    const asked = request(`${app.url}/upload/init`, {
      method: 'POST',
      headers: {
        Host: 'evil.example',
        'X-Forwarded-Host': 'evil.example',
        Forwarded: 'host=evil.example',
        'Content-Type': 'application/json',
      },
    })
    asked.on('error', reject)
    asked.on('response', async (response) => {
      let text = JSON.stringify(response.headers)
      for await (const chunk of response) text += chunk
      resolve(text)
    })
    asked.end(body)
  })
  expect(reply).toContain('"url":"http')
  expect(reply).not.toContain('evil')
})
