import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { initReply, ROUTES, type RouteName, statusReply } from '../../src/protocol/index.js'
import { type Fault, FaultProxy } from '../helpers/fault-proxy.js'
import { ServerProcess } from '../helpers/programs.js'
import { type S3CallName, s3CallOf } from '../helpers/s3-call.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { minioUrl, redisUrl } from '../helpers/services.js'
import { Signal } from '../helpers/signal.js'

const BYTES = 'the bytes of a file'

interface Member {
  readonly server: ServerProcess
  readonly toBucket: FaultProxy<S3CallName>
}

// Where `CI` is set, the set-up has failed before this could hide anything.
describe.skipIf(minioUrl() === '' || redisUrl() === '')('two servers on one Redis', () => {
  let fixture: TestBucket
  let members: Member[] = []

  beforeEach(async () => {
    fixture = await createTestBucket(minioUrl())
    members = await Promise.all([started(), started()])
  })
  afterEach(async () => {
    await Promise.all(members.map(({ server }) => server.kill('SIGTERM')))
    await Promise.all(members.map(({ toBucket }) => toBucket.stop()))
    await fixture.remove()
  })

  async function started(): Promise<Member> {
    const toBucket = new FaultProxy({ target: fixture.endpoint, nameOf: s3CallOf })
    const bucketUrl = new URL(minioUrl())
    bucketUrl.port = new URL(await toBucket.start()).port
    const server = await ServerProcess.start({
      bucket: fixture.bucket,
      bucketUrl: bucketUrl.href,
      publicEndpoint: fixture.endpoint,
      store: redisUrl(),
      env: { PARTWAY_LEASE: '2s', PARTWAY_PROBE: 'false' },
    })
    return { server, toBucket }
  }

  async function ask({ server }: Member, name: RouteName, message: object): Promise<unknown> {
    const { method, path } = ROUTES[name]
    const query = method === 'GET' ? `?${new URLSearchParams({ ...message })}` : ''
    const reply = await fetch(`${server.url}${path}${query}`, {
      method,
      headers: { 'Content-Type': 'application/json' },
      ...(method === 'POST' && { body: JSON.stringify(message) }),
    })
    return await reply.json()
  }

  /** Uploads a file whose object is to be read, and gives its id. */
  async function completed(member: Member): Promise<string> {
    const file = { filename: 'file.txt', size: BYTES.length, checksum: 'none', sign: 'all' }
    const file_hash = createHash('sha256').update(BYTES).digest('hex')
    const reply = await ask(member, 'init', { ...file, file_hash })
    const { upload_id, parts: [part] = [] } = initReply.parse(reply)
    const { url = '', headers = {} } = part ?? {}
    await fetch(url, { method: 'PUT', headers, body: BYTES })
    expect(await ask(member, 'complete', { upload_id })).toMatchObject({ state: 'verifying' })
    return upload_id
  }

  it('finish what one of them was verifying when it was killed', async () => {
    const [first, second] = members
    if (first === undefined || second === undefined) throw new Error('two servers were to be there')
    const taken = new Signal()
    const killed = new Signal()
    const hold: Fault = {
      before: async () => {
        taken.give()
        await killed.given
        return 'drop' as const
      },
    }
    for (const { toBucket } of members) {
      toBucket.play({ call: 'GetObject', nth: 1, attempts: 'all', fault: hold })
    }
    const upload_id = await completed(first)
    await taken.given
    const [victim, other] =
      first.toBucket.count('GetObject') > 0 ? [first, second] : [second, first]
    expect(other.toBucket.count('GetObject')).toBe(0)
    other.toBucket.play(undefined)
    await victim.server.kill('SIGKILL')
    killed.give()
    const state = async () => statusReply.parse(await ask(other, 'status', { upload_id })).state
    await expect.poll(state, { timeout: 50_000, interval: 100 }).toBe('completed')
    expect(other.toBucket.count('GetObject')).toBe(1)
  })
})
