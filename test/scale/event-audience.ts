import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { expect } from 'vitest'
import {
  type EventType,
  type StoredObject,
  type UploadState,
  webhookEvent,
} from '../../src/protocol/index.js'
import { Signal } from '../helpers/signal.js'
import { type Received, WebhookReceiver } from '../helpers/webhook-receiver.js'

/** All that an event says, but for its time: two that say the same are equal. */
export type Told = string

interface Content {
  readonly type: EventType
  readonly uploadId: string
  readonly owner: string
  readonly filename: string
  readonly size: number
  readonly state: UploadState
  readonly object: Pick<StoredObject, 'bucket' | 'key' | 'size' | 'etag'> | undefined
}

export function told({ type, uploadId, owner, filename, size, state, object }: Content): Told {
  const { bucket, key, size: stored, etag } = object ?? {}
  return [type, uploadId, owner, filename, size, state, bucket, key, stored, etag].join(' ')
}

/** What a server has in hand when it dies is given to another after a minute. */
const PATIENCE = { timeout: 120_000, interval: 250 }

/** The application that is told of uploads. It takes what is signed as it should be. */
export class EventAudience {
  readonly #receiver = new WebhookReceiver()
  readonly #secret = `whsec_${randomBytes(32).toString('base64')}`
  readonly #heard = new Set<Told>()
  readonly #faults: unknown[] = []
  #kept = 0
  #url = ''

  static async open(): Promise<EventAudience> {
    const audience = new EventAudience()
    audience.#receiver.answer = (received) => audience.#take(received)
    audience.#url = await audience.#receiver.start()
    return audience
  }

  /** For the servers. */
  get settings(): Readonly<Record<string, string>> {
    return {
      PARTWAY_WEBHOOK_URL: this.#url,
      PARTWAY_WEBHOOK_SECRET: this.#secret,
      PARTWAY_OUTBOUND_PRIVATE: '127.0.0.1',
    }
  }

  /** What it has thanked for. */
  get heard(): ReadonlySet<Told> {
    return this.#heard
  }

  /** How often a sender was gone before it had its answer. */
  get abandoned(): number {
    return this.#receiver.abandoned.length
  }

  /** How many senders have been kept waiting and are not gone. */
  get kept(): number {
    return this.#kept - this.abandoned
  }

  /** Keeps whoever comes waiting until what this gives is called, and then takes nothing of what they had. */
  fallSilent(): () => void {
    const isOver = new Signal()
    this.#receiver.answer = async () => {
      this.#kept += 1
      await isOver.given
      return { status: 503 }
    }
    return () => {
      this.#receiver.answer = (received) => this.#take(received)
      isOver.give()
    }
  }

  /** Resolves when all of that has come. */
  async hasHeard(expected: ReadonlySet<Told>): Promise<void> {
    const missing = () => [...expected].filter((one) => !this.#heard.has(one))
    await expect.poll(missing, PATIENCE).toEqual([])
  }

  /** However often, and nothing that was not signed. */
  heardNothingBut(expected: ReadonlySet<Told>): void {
    expect([...this.#heard].filter((one) => !expected.has(one))).toEqual([])
    expect(this.#faults).toEqual([])
  }

  close(): void {
    this.#receiver.stop()
  }

  #take({ body, headers }: Received) {
    try {
      const { type, data } = webhookEvent.parse(new Webhook(this.#secret).verify(body, headers))
      const { upload_id: uploadId, owner, filename, size, state, object } = data
      this.#heard.add(told({ type, uploadId, owner, filename, size, state, object }))
      return { status: 204 }
    } catch (fault) {
      this.#faults.push(fault)
      return { status: 400 }
    }
  }
}
