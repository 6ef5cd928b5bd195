import { Redis } from 'ioredis'
import type { RedisAddress } from './address.js'
import { COMMAND_TIMEOUT_MS, LASTING_OPTIONS } from './connection-options.js'

type SentinelAddress = Extract<RedisAddress, { kind: 'sentinel' }>

/** Between two attempts to find a primary, in ms. */
const FIND_AGAIN_MS = 500

/** The primary that Sentinels name, whichever it is at the time. Not connected yet. */
export class SentinelRedis extends Redis {
  #isLeft = false
  #timer: NodeJS.Timeout | undefined

  constructor({ sentinels, name, db, login, sentinelLogin, tls }: SentinelAddress) {
    super({
      ...LASTING_OPTIONS,
      ...login,
      sentinels: [...sentinels],
      name,
      db,
      ...(sentinelLogin.username !== undefined && { sentinelUsername: sentinelLogin.username }),
      ...(sentinelLogin.password !== undefined && { sentinelPassword: sentinelLogin.password }),
      ...(tls && { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true }),
      sentinelCommandTimeout: COMMAND_TIMEOUT_MS,
      // Whoever cannot reach any is told so; the next attempt is made below.
      sentinelRetryStrategy: () => null,
      // A primary that was replaced may go on in its part of a broken network, and take what will be thrown away.
      failoverDetector: true,
      sentinelReconnectStrategy: () => FIND_AGAIN_MS,
    })
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

  #leave(): void {
    this.#isLeft = true
    clearTimeout(this.#timer)
  }

  /**
   * `ioredis` gives up for good where no Sentinel answers, and where a failover is announced just while it asks one for
   * the primary.
   */
  #findAgain(): void {
    if (this.#isLeft) return
    this.#timer = setTimeout(() => this.connect().catch(() => {}), FIND_AGAIN_MS)
  }
}
