import { createConnection } from 'node:net'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Partway } from '../../src/coordinator/partway.js'
import { fakePartway, UPLOAD_ID } from './fake-partway.js'
import { type HttpApp, post, problemOf, serveRouter } from './http-app.js'

let app: HttpApp
const reached: string[] = []

/** A coordinator that no bad request may reach. */
function unreachable(): Partway {
  const partway = fakePartway()
  const guarded = (name: string) => async (): Promise<never> => {
    reached.push(name)
    throw new Error(`a bad request reached ${name}`)
  }
  return {
    ...partway,
    init: guarded('init'),
    parts: guarded('parts'),
    status: guarded('status'),
    complete: guarded('complete'),
    abort: guarded('abort'),
    list: guarded('list'),
  }
}

beforeAll(async () => {
  app = await serveRouter({
    partway: unreachable(),
    allowAnonymous: true,
    log: () => {},
    limits: { small: 2_000 },
  })
})
afterAll(async () => {
  await app.close()
  expect(reached).toEqual([])
})

describe('a body', () => {
  it('over the limit is refused with the limit', async () => {
    const response = await post(`${app.url}/upload/init`, { filename: 'x'.repeat(3_000), size: 1 })
    const problem = await problemOf(response)
    expect(problem).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' })
    expect(problem.detail).toContain('2000 bytes')
  })

  it.each(['{', '{"a":1}}', 'nul', '{"a":1,}', '{"a": "\\u12"}'])(
    '%s is malformed JSON',
    async (body) => {
      const problem = await problemOf(await post(`${app.url}/upload/init`, body))
      expect(problem).toMatchObject({ status: 400, code: 'MALFORMED_JSON' })
    },
  )

  it.each(['[1]', '"text"', 'null', '5', '-0', '1e309'])('that is %s is refused', async (body) => {
    const problem = await problemOf(await post(`${app.url}/upload/abort`, body))
    expect(problem).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
  })

  it('that is missing is refused', async () => {
    const response = await post(`${app.url}/upload/abort`, '')
    expect(await problemOf(response)).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
  })

  it.each([
    { 'Content-Type': 'text/plain' },
    { 'Content-Type': 'application/x-www-form-urlencoded' },
    { 'Content-Type': 'application/json; charset=latin1' },
    { 'Content-Encoding': 'br' },
  ])('with %j is refused', async (headers) => {
    const problem = await problemOf(await post(`${app.url}/upload/abort`, '{}', headers))
    expect(problem).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' })
  })

  it('that is compressed is refused, whatever is in it', async () => {
    const response = await fetch(`${app.url}/upload/abort`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
      body: gzipSync(Buffer.alloc(10_000_000)),
    })
    expect((await problemOf(response)).code).toBe('UNSUPPORTED_MEDIA_TYPE')
  })

  it('with more items than there can be parts is refused before they are looked at', async () => {
    const sign = Array.from({ length: 10_001 }, () => 0)
    const response = await post(`${app.url}/upload/parts`, { upload_id: UPLOAD_ID, sign })
    expect(await problemOf(response)).toMatchObject({ code: 'INVALID_REQUEST', field: 'sign' })
  })

  it('with thousands of errors names the first few', async () => {
    const sign = Array.from({ length: 10_000 }, () => ({}))
    const response = await post(`${app.url}/upload/parts`, { upload_id: UPLOAD_ID, sign })
    const problem = await problemOf(response)
    expect(problem.field).toBe('sign.0.index')
    expect(problem.errors).toHaveLength(20)
  })
})

describe('a query', () => {
  it('that gives a parameter twice is refused', async () => {
    const response = await fetch(`${app.url}/upload/status?upload_id=a&upload_id=b`)
    expect(await problemOf(response)).toMatchObject({
      status: 400,
      code: 'INVALID_REQUEST',
      field: 'upload_id',
    })
  })

  it.each([
    ['/upload/status', 'upload_id'],
    ['/upload/status?upload_id=', 'upload_id'],
    ['/upload/status?upload_id=a%0Ab', 'upload_id'],
    ['/upload/status?upload_id[]=a', 'upload_id'],
    ['/upload/status?upload_id=a&reconcile=yes', 'reconcile'],
    ['/upload/status?upload_id=a&other=1', 'other'],
    ['/uploads?limit=0', 'limit'],
    ['/uploads?limit=101', 'limit'],
    ['/uploads?state=creating', 'state'],
    ['/uploads?__proto__=1', '__proto__'],
  ])('%s is refused', async (path, field) => {
    const problem = await problemOf(await fetch(app.url + path))
    expect(problem).toMatchObject({ status: 400, code: 'INVALID_REQUEST', field })
  })
})

it('a body that is cut short is no fault of the server', async () => {
  const socket = createConnection(Number(new URL(app.url).port), '127.0.0.1')
  const head = 'POST /upload/abort HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
  socket.end(`${head}Content-Length: 100\r\n\r\n{"upload_id`)
  expect(await text(socket)).not.toContain(' 500 ')
})
