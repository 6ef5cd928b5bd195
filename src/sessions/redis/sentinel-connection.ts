import { Redis, type RedisOptions } from 'ioredis'
import type { RedisAddress } from './address.js'
import { COMMAND_TIMEOUT_MS, LASTING_OPTIONS } from './connection-options.js'

type SentinelAddress = Extract<RedisAddress, { kind: 'sentinel' }>

/** Between two attempts to find a primary, in ms. */
const FIND_AGAIN_MS = 500
/** Between two attempts to hear a Sentinel that is away, in ms. */
const LISTEN_AGAIN_MS = 5_000

/** The primary that Sentinels name, whichever it is at the time. Not connected yet. */
export class SentinelRedis extends Redis {
  readonly #address: SentinelAddress
  #listeners: readonly Redis[] = []
  #isLeft = false
  #timer: NodeJS.Timeout | undefined

  constructor(address: SentinelAddress) {
    super({
      ...LASTING_OPTIONS,
      ...sentinelOptions(address),
      // Whoever cannot reach any is told so; the next attempt is made below.
      sentinelRetryStrategy: () => null,
    })
    this.#address = address
    this.once('ready', () => this.#listen())
    // `ioredis` gives up for good where no Sentinel answers.
    this.on('end', () => this.#findAgain())
  }

  override disconnect(reconnect = false): void {
    if (!reconnect) this.#leave()
    super.disconnect(reconnect)
  }

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    if (args[0].name === 'quit') this.#leave()
    return super.sendCommand(...args)
  }

  /**
   * A primary that was replaced may go on in its part of a broken network, and take what will be thrown away. So the
   * connection is given up as soon as a Sentinel tells of another primary. (`failoverDetector` of `ioredis` does the same,
   * but may end the connection for good, and prints what goes wrong.)
   */
  #listen(): void {
    if (this.#isLeft) return
    const { sentinels, sentinelLogin, name, tls } = this.#address
    const options: RedisOptions = {
      ...sentinelLogin,
      ...(tls && { tls: {} }),
      connectTimeout: COMMAND_TIMEOUT_MS,
      enableReadyCheck: false,
      maxRetriesPerRequest: null,
      retryStrategy: () => LISTEN_AGAIN_MS,
    }
    this.#listeners = sentinels.map((sentinel) => {
      const listener = new Redis({ ...options, ...sentinel })
      listener.on('error', () => {})
      listener.on('message', (_, text: string) => {
        if (text.startsWith(`${name} `) && this.status === 'ready') this.disconnect(true)
      })
      listener.subscribe('+switch-master').catch(() => {})
      return listener
    })
  }

  #leave(): void {
    this.#isLeft = true
    clearTimeout(this.#timer)
    for (const listener of this.#listeners) listener.disconnect()
  }

  #findAgain(): void {
    if (this.#isLeft) return
    this.#timer = setTimeout(() => this.connect().catch(() => {}), FIND_AGAIN_MS)
  }
}

/** What leads `ioredis` to the primary. */
export function sentinelOptions(address: SentinelAddress): RedisOptions {
  const { sentinels, name, db, login, sentinelLogin, tls } = address
  const { username, password } = sentinelLogin
  return {
    ...login,
    sentinels: [...sentinels],
    name,
    db,
    ...(username !== undefined && { sentinelUsername: username }),
    ...(password !== undefined && { sentinelPassword: password }),
    ...(tls && { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true }),
    sentinelCommandTimeout: COMMAND_TIMEOUT_MS,
  }
}
