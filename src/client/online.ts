import type { ClientPorts, OnlineSignal } from './ports.js'

/** For where nothing is known of the network: every failure is taken for one of the other side. */
export const ALWAYS_ONLINE: OnlineSignal = { isOnline: () => true, whenOnline: async () => {} }

/** The system may be wrong, so from time to time it is tried all the same. */
const LONGEST_WAIT_MS = 30_000

/**
 * Waits while the system says that it is offline, but not for ever. Resolves to whether there was any
 * waiting: a failure before it proves nothing.
 */
export async function waitWhileOffline(
  { online, clock }: Pick<ClientPorts, 'online' | 'clock'>,
  signal: AbortSignal,
  onWait: () => void,
): Promise<boolean> {
  if (online.isOnline()) return false
  onWait()
  const either = new AbortController()
  const stop = () => either.abort(signal.reason)
  signal.addEventListener('abort', stop)
  try {
    signal.throwIfAborted()
    await Promise.race([
      online.whenOnline(either.signal),
      clock.sleep(LONGEST_WAIT_MS, either.signal),
    ])
    return true
  } finally {
    signal.removeEventListener('abort', stop)
    either.abort()
  }
}
