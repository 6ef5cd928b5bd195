import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const PROBE_MS = 2_000

/** Rejects unless something accepts connections at the host and port of `url`. */
export async function acceptsConnections(url: string): Promise<void> {
  const { hostname, port, protocol } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) || defaultPort(protocol) })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(PROBE_MS) })
  } finally {
    socket.destroy()
  }
}

/** Rejects unless the Redis at `url` answers PING with its password. */
export async function answersPing(url: string): Promise<void> {
  const { hostname, port, password } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.setEncoding('utf8')
  try {
    socket.write(`AUTH ${password}\r\nPING\r\n`)
    const signal = AbortSignal.timeout(PROBE_MS)
    let reply = ''
    while (!reply.includes('PONG')) {
      const [text]: unknown[] = await once(socket, 'data', { signal })
      reply += String(text)
      if (reply.includes('-')) throw new Error(`Redis says: ${reply.trim()}`)
    }
  } finally {
    socket.destroy()
  }
}

/** Rejects unless GET of `path` at the origin of `url` answers 2xx. */
export async function answersHttp(url: string, path: string): Promise<void> {
  const { origin } = new URL(url)
  const reply = await fetch(new URL(path, origin), { signal: AbortSignal.timeout(PROBE_MS) })
  await reply.body?.cancel()
  if (!reply.ok) throw new Error(`GET ${path} answers ${reply.status}`)
}

/** Asks again and again until `probe` resolves. Rejects when time is up, or `alive` says no. */
export async function untilAnswers(
  probe: () => Promise<void>,
  { timeoutMs, alive }: { timeoutMs: number; alive: () => boolean },
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (alive()) {
    try {
      return await probe()
    } catch (cause) {
      if (performance.now() > deadline) throw new Error('it does not answer', { cause })
    }
    await sleep(50)
  }
  throw new Error('it ended by itself')
}

function defaultPort(protocol: string): number {
  if (protocol === 'redis:' || protocol === 'rediss:') return 6379
  return protocol === 'https:' ? 443 : 80
}
