import type { SessionStore } from '../coordinator/ports.js'

/**
 * A store whose service may not be there yet: each call connects first, until that has succeeded once.
 * So the server starts while the service is away, and does its work as soon as it is back.
 */
export class LateStore implements SessionStore {
  readonly #connect: () => Promise<SessionStore>
  #store: Promise<SessionStore> | undefined

  constructor(connect: () => Promise<SessionStore>) {
    this.#connect = connect
  }

  async begin(...args: Parameters<SessionStore['begin']>) {
    return await (await this.#connected()).begin(...args)
  }

  async open(...args: Parameters<SessionStore['open']>) {
    return await (await this.#connected()).open(...args)
  }

  async find(...args: Parameters<SessionStore['find']>) {
    return await (await this.#connected()).find(...args)
  }

  async recordParts(...args: Parameters<SessionStore['recordParts']>) {
    return await (await this.#connected()).recordParts(...args)
  }

  async replaceParts(...args: Parameters<SessionStore['replaceParts']>) {
    return await (await this.#connected()).replaceParts(...args)
  }

  async claim(...args: Parameters<SessionStore['claim']>) {
    return await (await this.#connected()).claim(...args)
  }

  async extend(...args: Parameters<SessionStore['extend']>) {
    return await (await this.#connected()).extend(...args)
  }

  async settle(...args: Parameters<SessionStore['settle']>) {
    return await (await this.#connected()).settle(...args)
  }

  async due(...args: Parameters<SessionStore['due']>) {
    return await (await this.#connected()).due(...args)
  }

  async overdue(...args: Parameters<SessionStore['overdue']>) {
    return await (await this.#connected()).overdue(...args)
  }

  async unfinished(...args: Parameters<SessionStore['unfinished']>) {
    return await (await this.#connected()).unfinished(...args)
  }

  async purge(...args: Parameters<SessionStore['purge']>) {
    return await (await this.#connected()).purge(...args)
  }

  async list(...args: Parameters<SessionStore['list']>) {
    return await (await this.#connected()).list(...args)
  }

  async usage(...args: Parameters<SessionStore['usage']>) {
    return await (await this.#connected()).usage(...args)
  }

  async check() {
    await (await this.#connected()).check()
  }

  async close() {
    const store = await this.#store?.catch(() => undefined)
    await store?.close()
  }

  /** Callers at the same time share one attempt; after a failed one the next call makes another. */
  #connected(): Promise<SessionStore> {
    this.#store ??= this.#connect().catch((error: unknown) => {
      this.#store = undefined
      throw error
    })
    return this.#store
  }
}
