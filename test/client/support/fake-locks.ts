import type { UploadLocks } from '../../../src/client/ports.js'

/** Locks of one process. */
export class FakeLocks implements UploadLocks {
  readonly #held = new Map<string, Promise<void>>()

  async acquire(
    name: string,
    { signal, onWait }: { readonly signal: AbortSignal; readonly onWait: () => void },
  ): Promise<() => void> {
    if (this.#held.has(name)) onWait()
    for (let held = this.#held.get(name); held !== undefined; held = this.#held.get(name)) {
      await Promise.race([held, rejection(signal)])
    }
    signal.throwIfAborted()
    return this.#take(name)
  }

  #take(name: string): () => void {
    let free = () => {}
    const held = new Promise<void>((resolve) => {
      free = resolve
    })
    this.#held.set(name, held)
    return () => {
      this.#held.delete(name)
      free()
    }
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}
