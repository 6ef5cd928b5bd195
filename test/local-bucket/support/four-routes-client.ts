import { createHash } from 'node:crypto'

/**
 * A client of servers for chunked uploads as they are commonly written: four routes, and nothing that it would have to
 * know of S3. It has never heard of Partway, so nothing of Partway is imported here.
 */

export interface FourRoutesFile {
  readonly name: string
  readonly bytes: Buffer
  readonly chunkSize: number
}

export interface Progress {
  readonly uploadId: string
  /** The indices that this run has sent. */
  readonly sent: number[]
}

const hash = (algorithm: string, bytes: Uint8Array) =>
  createHash(algorithm).update(bytes).digest('hex')

export class FourRoutesClient {
  readonly #server: string
  readonly #chunkHash: 'md5' | 'sha256'

  constructor(server: string, chunkHash: 'md5' | 'sha256') {
    this.#server = server
    this.#chunkHash = chunkHash
  }

  /** Sends what is missing, but at most `most` chunks, as if it was closed then. */
  async send(file: FourRoutesFile, most = Number.POSITIVE_INFINITY): Promise<Progress> {
    const { name, bytes, chunkSize } = file
    const opened = await this.#json('POST', '/upload/init', {
      filename: name,
      size: bytes.length,
      chunk_size: chunkSize,
      file_hash: hash('sha256', bytes),
    })
    const uploadId = String(opened.upload_id)
    const status = await this.#json('GET', `/upload/status?upload_id=${uploadId}`)
    const there = new Set((status.uploaded as { index: number }[]).map(({ index }) => index))
    const sent: number[] = []
    for (let index = 1; index <= Number(opened.total_chunks) && sent.length < most; index++) {
      if (there.has(index)) continue
      await this.#chunk(uploadId, index, bytes.subarray((index - 1) * chunkSize, index * chunkSize))
      sent.push(index)
    }
    return { uploadId, sent }
  }

  /** The state of the file, once it is settled. */
  async merge(uploadId: string): Promise<unknown> {
    const merged = await this.#json('POST', '/upload/merge', { upload_id: uploadId })
    for (let state = merged.state; ; ) {
      if (state !== 'verifying') return state
      await new Promise((resolve) => setTimeout(resolve, 100))
      state = (await this.#json('GET', `/upload/status?upload_id=${uploadId}`)).state
    }
  }

  async #chunk(uploadId: string, index: number, bytes: Buffer): Promise<void> {
    const form = new FormData()
    form.append('file', new Blob([new Uint8Array(bytes)]), 'blob')
    const query = `upload_id=${uploadId}&index=${index}&content_hash=${hash(this.#chunkHash, bytes)}`
    const reply = await fetch(`${this.#server}/upload/chunk?${query}`, {
      method: 'POST',
      body: form,
    })
    if (!reply.ok) throw new Error(`chunk ${index}: ${reply.status} ${await reply.text()}`)
    await reply.arrayBuffer()
  }

  async #json(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const reply = await fetch(this.#server + path, {
      method,
      ...(body !== undefined && {
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`)
    return reply.json()
  }
}
