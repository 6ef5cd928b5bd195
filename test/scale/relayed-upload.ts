import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { initReply, MIB } from '../../src/protocol/index.js'
import type { ScaleFleet } from './scale-fleet.js'

const SIZE = 5 * MIB

/** An upload of one part, which goes through nginx and the servers. */
export class RelayedUpload {
  readonly #authorization: string
  readonly #url: string
  readonly #bytes = randomBytes(SIZE)

  private constructor(url: string, authorization: string) {
    this.#url = url
    this.#authorization = authorization
  }

  static async begin(fleet: ScaleFleet): Promise<RelayedUpload> {
    const authorization = `Bearer ${fleet.accounts[0]?.token}`
    const reply = await fetch(`${fleet.url}/upload/init`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization },
      body: JSON.stringify({ filename: 'relayed.bin', size: SIZE }),
    })
    const { upload_id, relay = '' } = initReply.parse(await reply.json())
    const url = new URL(relay, fleet.url)
    url.search = new URLSearchParams({ upload_id, index: '1' }).toString()
    return new RelayedUpload(url.href, authorization)
  }

  /** Gives the status of the answer. */
  async sendPart(): Promise<number> {
    const body = new FormData()
    body.append('file', new Blob([this.#bytes]))
    const hash = createHash('sha256').update(this.#bytes).digest('hex')
    const headers = { authorization: this.#authorization }
    const reply = await fetch(`${this.#url}&content_hash=${hash}`, {
      method: 'POST',
      headers,
      body,
    })
    await reply.arrayBuffer()
    return reply.status
  }

  /** Announces a body of so many bytes, and sends a few of them. Gives the status of the answer to that. */
  async sendBeginning(size: number): Promise<number> {
    const sending = request(`${this.#url}&content_hash=${'0'.repeat(64)}`, {
      method: 'POST',
      headers: {
        authorization: this.#authorization,
        'content-type': 'multipart/form-data; boundary=x',
        'content-length': size,
      },
    })
    sending.write('--x\r\n')
    try {
      const [reply] = (await once(sending, 'response')) as [IncomingMessage]
      return reply.statusCode ?? 0
    } finally {
      // It is cut off by one side or the other.
      sending.on('error', () => {}).destroy()
    }
  }
}
