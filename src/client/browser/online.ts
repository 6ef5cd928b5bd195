import type { OnlineSignal } from '../ports.js'

export const browserOnline: OnlineSignal = {
  isOnline: () => navigator.onLine,
  whenOnline: (signal) =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      addEventListener('online', () => resolve(), { once: true, signal })
    }),
}
