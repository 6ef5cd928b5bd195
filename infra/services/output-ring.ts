import type { Readable } from 'node:stream'

/** The last characters that a program wrote, so that a failed start can be explained. */
export class OutputRing {
  readonly #limit: number
  #text = ''

  constructor(limit = 8_000) {
    this.#limit = limit
  }

  listenTo(stream: Readable): void {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      this.#text = (this.#text + text).slice(-this.#limit)
    })
  }

  get text(): string {
    return this.#text.trim()
  }
}
