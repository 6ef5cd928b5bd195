import type { UploadLocks } from '../ports.js'

/**
 * https://w3c.github.io/web-locks/. Only secure contexts have them; elsewhere every lock is free, which
 * costs bytes that are sent twice, and nothing else: the same part is the same part.
 */
export const webLocks: UploadLocks = {
  async acquire(name, { signal, onWait }) {
    const { locks } = navigator as { readonly locks?: LockManager }
    if (locks === undefined) return () => {}
    const full = `partway:${name}`
    const free = await request(locks, full, { ifAvailable: true })
    if (free !== undefined) return free
    onWait()
    return (await request(locks, full, { signal })) ?? (() => {})
  },
}

/** Resolves to what releases the lock, or to `undefined` when it is not to be had. */
function request(
  locks: LockManager,
  name: string,
  options: LockOptions,
): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    locks
      .request(name, options, (lock) => {
        if (lock === null) return resolve(undefined)
        return new Promise<void>((release) => resolve(release))
      })
      .catch(reject)
  })
}
