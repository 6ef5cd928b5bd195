import { execFileSync } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { uploadFile } from '../../src/client/node.js'
import { newToken } from '../../src/server/auth/token-lines.js'
import { startTestLocalBucket, type TestLocalBucket } from '../helpers/local-bucket.js'
import { ServerProcess } from '../helpers/programs.js'
import { type HostileRequest, hostileRequests } from './support/hostile-requests.js'

/** A server as it is in production, under attack from 20 addresses. Whoever is honest has one of their own. */

const MIB = 1024 * 1024
const REQUESTS = 10_000
const AT_A_TIME = 40
const ADDRESSES = 20
const SLOW = 100
/** What the process may have more than before, when all is over: heaps do not shrink at once. */
const ROOM_MIB = 80
/** The whole test has a minute. */
const LAST_MS = 35_000

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

const honest = newToken('ada')
const attacker = newToken('eve')

async function start(local: TestLocalBucket): Promise<ServerProcess> {
  const tokens = join(local.folder, 'tokens')
  await writeFile(tokens, `${honest.line}\n${attacker.line}\n`)
  return await ServerProcess.start({
    bucket: 'uploads',
    bucketUrl: local.serviceUrl,
    store: `sqlite:${join(local.folder, 'sessions.db')}`,
    env: {
      PARTWAY_AUTH: 'token',
      PARTWAY_TOKENS_FILE: tokens,
      PARTWAY_TRUST_PROXY: 'loopback',
      PARTWAY_LOG_LEVEL: 'error',
    },
  })
}

it('10,000 hostile requests do no harm, and whoever is honest is served throughout', async () => {
  const until = Date.now() + LAST_MS
  const local = await startTestLocalBucket({ buckets: ['uploads'] })
  cleanUp.push(() => local.remove())
  const server = await start(local)
  cleanUp.push(() => server.kill('SIGKILL'))

  const uploadId = await uploadOne(local, server)
  const before = residentMib(server)
  const seed = randomInt(2 ** 31)
  const requests = hostileRequests(REQUESTS, { token: attacker.token, uploadId }, seed)
  const sockets = await slowClients(server)
  const attack = { isOver: false }
  const [outcomes, uploads] = await Promise.all([
    flood(server, requests, until).finally(() => {
      attack.isOver = true
    }),
    uploadAllAlong(local, server, attack),
  ])

  const context = `seed ${seed}: ${JSON.stringify(Object.fromEntries(outcomes))}\n${server.log}`
  const sum = [...outcomes.values()].reduce((total, count) => total + count, 0)
  expect(sum, context).toBeGreaterThanOrEqual(REQUESTS)
  const faults = [...outcomes.keys()].filter((outcome) => /^5/.test(outcome))
  expect(
    faults.filter((outcome) => outcome !== '503 Retry-After'),
    context,
  ).toEqual([])
  expect(outcomes.get('cut off') ?? 0, context).toBeLessThan(REQUESTS / 20)
  for (const status of ['400', '401', '404', '429'])
    expect(outcomes.get(status), context).toBeGreaterThan(0)
  expect(uploads, 'uploads that were completed meanwhile').toBeGreaterThanOrEqual(2)
  // A slow body has 30 s, and 5 s go by until that is looked at.
  const timeout = until + 12_000 - Date.now()
  await expect.poll(() => sockets.every(({ closed }) => closed), { timeout }).toBe(true)
  await expect
    .poll(() => residentMib(server), { timeout: 10_000, interval: 500 })
    .toBeLessThan(before + ROOM_MIB)
  expect(server.child.exitCode).toBeNull()
})

let files = 0

/** An upload of three parts by somebody honest; its id. */
async function uploadOne(local: TestLocalBucket, server: ServerProcess): Promise<string> {
  const path = join(local.folder, `honest-${files++}.bin`)
  await writeFile(path, randomBytes(11 * MIB))
  const result = await uploadFile(path, {
    server: server.url,
    token: honest.token,
    chunkSize: 5 * MIB,
    headers: { 'X-Forwarded-For': '192.0.2.250' },
  })
  expect(result.object.size).toBe(11 * MIB)
  return result.uploadId
}

async function uploadAllAlong(
  local: TestLocalBucket,
  server: ServerProcess,
  attack: { readonly isOver: boolean },
): Promise<number> {
  let completed = 0
  do {
    await uploadOne(local, server)
    completed += 1
  } while (!attack.isOver)
  return completed
}

/** How often each status was answered. What cannot be sent any more by `until` is missing. */
async function flood(
  server: ServerProcess,
  requests: readonly HostileRequest[],
  until: number,
): Promise<Map<string, number>> {
  const outcomes = new Map<string, number>()
  const agent = new Agent({ keepAlive: true, maxSockets: AT_A_TIME })
  cleanUp.push(() => agent.destroy())
  const queue = requests.entries()
  const known = `Bearer ${attacker.token}`
  const work = async (): Promise<void> => {
    for (const [i, hostile] of queue) {
      if (Date.now() > until) return
      // Whoever guesses has one address, which is soon not listened to any more.
      const address = hostile.headers.Authorization === known ? i % ADDRESSES : ADDRESSES
      const outcome = await send(server, agent, { ...hostile, from: `198.51.100.${address}` })
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, work))
  return outcomes
}

function send(
  server: ServerProcess,
  agent: Agent,
  { method, path, headers, body, from }: HostileRequest & { readonly from: string },
): Promise<string> {
  return new Promise((resolve) => {
    const asked = request({
      ...{ agent, method, path, host: '127.0.0.1', port: server.port, timeout: 20_000 },
      headers: { ...headers, 'X-Forwarded-For': `10.0.0.1, ${from}` },
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve('cut off'))
    asked.on('response', (response) => {
      response.resume()
      response.on('error', () => resolve('cut off'))
      const again = response.headers['retry-after']
      const isDeliberate = response.statusCode === 503 && again !== undefined
      response.on('end', () =>
        resolve(`${response.statusCode}${isDeliberate ? ' Retry-After' : ''}`),
      )
    })
    asked.end(body)
  })
}

/** Connections that say nothing, or never say all, and are left alone. */
async function slowClients(server: ServerProcess): Promise<Socket[]> {
  const beginnings = [
    '',
    'GET /uploads HTTP/1.1\r\nX-Slow: ',
    'POST /upload/init HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{',
    'POST /upload/init HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
  ]
  const sockets = Array.from({ length: SLOW }, () => createConnection(server.port, '127.0.0.1'))
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (const [i, socket] of sockets.entries()) {
    socket.on('error', () => {})
    socket.resume()
    await once(socket, 'connect')
    socket.write(beginnings[i % beginnings.length] ?? '')
  }
  await delay(100)
  return sockets
}

function residentMib(server: ServerProcess): number {
  const kib = execFileSync('ps', ['-o', 'rss=', '-p', String(server.pid)], { encoding: 'utf8' })
  return Math.round(Number(kib) / 1024)
}
