import { describe, expect, it } from 'vitest'
import { CoordinatorApi, type HeadersSource } from '../../src/client/api.js'
import { ALWAYS_ONLINE } from '../../src/client/online.js'
import { PartwayError } from '../../src/client/partway-error.js'
import type { CallRequest, HttpReply, Transport } from '../../src/client/ports.js'
import { json, problem } from './support/fake-service.js'
import { VirtualClock } from './support/virtual-clock.js'

/** Gives prepared answers, one after another, and keeps what was asked. */
class Answers implements Transport {
  readonly obeysCors = false
  readonly asked: CallRequest[] = []
  readonly #replies: HttpReply[]

  constructor(replies: HttpReply[]) {
    this.#replies = replies
  }

  async call(request: CallRequest): Promise<HttpReply> {
    this.asked.push(request)
    return this.#replies.shift() ?? json({})
  }

  connectionsTo(): number {
    return 6
  }

  putPart(): Promise<HttpReply> {
    throw new Error('no part is sent here')
  }
}

const clock = new VirtualClock()
const signal = new AbortController().signal

function apiOf(
  replies: HttpReply[],
  options: { server?: string; token?: string; headers?: HeadersSource } = {},
) {
  const transport = new Answers(replies)
  const ports = { transport, clock, random: () => 0, online: ALWAYS_ONLINE }
  const api = new CoordinatorApi({ server: 'https://partway.test', ...options, ports })
  return { api, transport }
}

const ABORTED = json({ upload_id: 'id', state: 'aborted' })

async function failureOf(reply: HttpReply): Promise<PartwayError> {
  const { api } = apiOf(Array.from({ length: 8 }, () => reply))
  const error = await clock
    .during(api.status({ uploadId: 'secret-id', reconcile: true }, { signal }))
    .catch((thrown: unknown) => thrown)
  if (error instanceof PartwayError) return error
  throw new Error('The call did not fail as it should', { cause: error })
}

describe('CoordinatorApi', () => {
  it('sends the token as a bearer token, and none without one', async () => {
    const withToken = apiOf([ABORTED], { token: 'abc' })
    await withToken.api.abort('id', { signal })
    expect(withToken.transport.asked[0]?.headers.authorization).toBe('Bearer abc')
    const without = apiOf([ABORTED])
    await without.api.abort('id', { signal })
    expect(without.transport.asked[0]?.headers).not.toHaveProperty('authorization')
  })

  it('sends the headers that it was given, or that a function makes for each call', async () => {
    const fixed = apiOf([ABORTED], { headers: { 'x-csrf': 'a' } })
    await fixed.api.abort('id', { signal })
    expect(fixed.transport.asked[0]?.headers).toMatchObject({ 'x-csrf': 'a' })
    let calls = 0
    const made = apiOf([ABORTED, ABORTED], {
      headers: async () => ({ authorization: `Bearer ${++calls}` }),
    })
    await made.api.abort('id', { signal })
    await made.api.abort('id', { signal })
    const sent = made.transport.asked.map(({ headers }) => headers.authorization)
    expect(sent).toEqual(['Bearer 1', 'Bearer 2'])
  })

  it('asks for other headers, once, when the ones it sent are refused', async () => {
    const headers = ({ refused }: { refused: boolean }) => ({
      authorization: refused ? 'Bearer new' : 'Bearer old',
    })
    const renewed = apiOf([problem('UNAUTHENTICATED'), ABORTED], { headers })
    await renewed.api.abort('id', { signal })
    expect(renewed.transport.asked.map((call) => call.headers.authorization)).toEqual([
      'Bearer old',
      'Bearer new',
    ])
    const refused = apiOf([problem('UNAUTHENTICATED'), problem('UNAUTHENTICATED')], { headers })
    await expect(refused.api.abort('id', { signal })).rejects.toMatchObject({ status: 401 })
    expect(refused.transport.asked).toHaveLength(2)
  })

  it('says so when the headers cannot be had', async () => {
    const headers = () => Promise.reject(new Error('the login is over'))
    const { api, transport } = apiOf([ABORTED], { headers })
    await expect(api.abort('id', { signal })).rejects.toMatchObject({
      code: 'HEADERS_FAILED',
      message: expect.stringContaining('the login is over'),
    })
    expect(transport.asked).toEqual([])
  })

  it.each([
    ['https://host.test', 'https://host.test/upload/abort'],
    ['https://host.test/', 'https://host.test/upload/abort'],
    ['http://host.test:81/api/v1/', 'http://host.test:81/api/v1/upload/abort'],
  ])('finds the routes below %s', async (server, url) => {
    const { api, transport } = apiOf([ABORTED], { server })
    await api.abort('id', { signal })
    expect(transport.asked[0]?.url).toBe(url)
  })

  it.each([
    'host.test:80',
    'ftp://host.test',
    'https://me:secret@host.test',
    'https://host.test/?a=b',
    'nonsense',
  ])('refuses the address %s without repeating it', (server) => {
    expect(() => apiOf([], { server })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.not.stringContaining('secret'),
      }),
    )
  })

  it('writes snake_case and reads camelCase, but leaves the names of metadata alone', async () => {
    const reply = {
      ...{ upload_id: 'id', state: 'uploading', filename: 'f', size: 3, chunk_size: 3 },
      ...{ total_chunks: 1, uploaded: [], checksum: 'sha256', expires_in: 9, invented: true },
    }
    const { api, transport } = apiOf([json(reply, 201)])
    const request = { filename: 'f', size: 3, chunkSize: 3, metadata: { 'my-key': 'v' } }
    expect(await api.init(request, { signal })).toMatchObject({ totalChunks: 1, expiresIn: 9 })
    expect(JSON.parse(transport.asked[0]?.body ?? '')).toEqual({
      ...{ filename: 'f', size: 3, chunk_size: 3, metadata: { 'my-key': 'v' } },
    })
  })

  it('keeps what a refusal says', async () => {
    const errors = [{ field: 'sign.0.checksum', message: 'is wrong' }]
    const details = { errors, field: 'sign.0.checksum', state: 'aborted', request_id: 'r' }
    const error = await failureOf(problem('WRONG_STATE', details))
    expect(error).toMatchObject({
      ...{ code: 'WRONG_STATE', status: 409, requestId: 'r' },
      details: { errors, field: 'sign.0.checksum', state: 'aborted' },
    })
  })

  it('keeps a code that it does not know', async () => {
    const said = { type: 'urn:x', title: 'New', status: 409, code: 'INVENTED_LATER' }
    expect(await failureOf(json(said, 409))).toMatchObject({ code: 'INVENTED_LATER', status: 409 })
  })

  it('names the request of an error without its query', async () => {
    const error = await failureOf(problem('UPLOAD_NOT_FOUND'))
    expect(error.details.request).toBe('GET https://partway.test/upload/status')
    expect(`${error.message}${JSON.stringify(error.details)}`).not.toContain('secret-id')
  })

  it.each([
    ['not JSON', { status: 200, headers: {}, body: '<html>' }],
    ['without a field', json({ upload_id: 'id' })],
    ['of another kind', json({ upload_id: 7, state: 'uploading' })],
  ])('calls an answer that is %s an unexpected reply', async (_, reply) => {
    expect((await failureOf(reply)).code).toBe('UNEXPECTED_REPLY')
  })

  it.each([
    [404, 1],
    [302, 1],
    [502, 8],
    [429, 8],
  ])('tries HTTP %i of something else than a Partway server %i times', async (status, times) => {
    const reply = { status, headers: {}, body: 'hello' }
    const { api, transport } = apiOf(Array.from({ length: 9 }, () => reply))
    const call = clock.during(api.abort('id', { signal }))
    await expect(call).rejects.toMatchObject({ code: 'UNEXPECTED_REPLY', status })
    expect(transport.asked).toHaveLength(times)
  })

  it.each([
    ['seconds', '3', 3_000],
    ['a date', 'Thu, 01 Jan 2026 01:00:00 GMT', undefined],
  ])('honours Retry-After in %s', async (_, header, expected) => {
    const reply = { ...problem('TOO_MANY_REQUESTS'), headers: { 'retry-after': header } }
    const { api } = apiOf([reply, ABORTED])
    const startedAt = clock.now()
    const untilDate = Date.UTC(2026, 0, 1, 1) - clock.wallTime()
    const call = clock.during(api.abort('id', { signal }))
    if (expected === undefined) {
      // An hour is longer than anybody waits: it is told instead.
      await expect(call).rejects.toMatchObject({ retryAfterMs: untilDate })
    } else {
      await call
      expect(clock.now() - startedAt).toBe(expected)
    }
  })

  it('waits for the longer of the two pauses that an answer names', async () => {
    const said = problem('BUCKET_UNAVAILABLE', { retry_after_ms: 1_500 })
    const { api } = apiOf([{ ...said, headers: { 'retry-after': '2' } }, ABORTED])
    const startedAt = clock.now()
    await clock.during(api.abort('id', { signal }))
    expect(clock.now() - startedAt).toBe(2_000)
  })
})
