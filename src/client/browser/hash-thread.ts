import type { HashMode } from '../../checksum/part-hasher.js'

type Answer = (hash?: string) => void

/** Reads and hashes on a thread of its own, so that the page has its own for itself. */
export class HashThread {
  readonly #waiting = new Map<number, Answer>()
  /** Nothing where it cannot be had: a policy of the page, or the script being of another origin or unreachable. */
  #worker: Worker | undefined
  #isRunning = false
  #asked = 0

  constructor() {
    try {
      const address = new URL('./hash-worker.js', import.meta.url)
      this.#worker = new Worker(address, { type: 'module' })
    } catch {
      return
    }
    this.#worker.onmessage = ({ data: { id, hash } }) => {
      this.#isRunning = true
      this.#waiting.get(id)?.(hash)
      this.#waiting.delete(id)
    }
    this.#worker.onerror = () => {
      this.#worker = undefined
      for (const answer of this.#waiting.values()) answer()
    }
  }

  /** Whether it has begun; until then, whoever can do it otherwise need not wait. */
  get isRunning(): boolean {
    return this.#isRunning
  }

  /** The checksum; nothing where there is no such thread, or it cannot read the piece. */
  hash(mode: HashMode, piece: Blob): Promise<string | undefined> {
    return new Promise((resolve: Answer) => {
      if (this.#worker === undefined) return resolve()
      this.#waiting.set(++this.#asked, resolve)
      this.#worker.postMessage({ id: this.#asked, mode, piece })
    })
  }
}
