import type { Outbox } from '../coordinator/ports.js'

/** The outbox of a store that may not be there yet: each call waits until `connected` gives it. */
export class LateOutbox implements Outbox {
  readonly #connected: () => Promise<Outbox>

  constructor(connected: () => Promise<Outbox>) {
    this.#connected = connected
  }

  async due(...args: Parameters<Outbox['due']>) {
    return await (await this.#connected()).due(...args)
  }

  async claim(...args: Parameters<Outbox['claim']>) {
    return await (await this.#connected()).claim(...args)
  }

  async end(...args: Parameters<Outbox['end']>) {
    return await (await this.#connected()).end(...args)
  }

  async dead(...args: Parameters<Outbox['dead']>) {
    return await (await this.#connected()).dead(...args)
  }

  async revive(...args: Parameters<Outbox['revive']>) {
    return await (await this.#connected()).revive(...args)
  }

  async size(...args: Parameters<Outbox['size']>) {
    return await (await this.#connected()).size(...args)
  }

  async mend(...args: Parameters<Outbox['mend']>) {
    await (await this.#connected()).mend(...args)
  }
}
