import type { ClientClock } from '../ports.js'

/** `now` never goes back and does not jump when the wall clock is set. */
export const browserClock: ClientClock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const cancel = () => {
        clearTimeout(timer)
        reject(signal.reason)
      }
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', cancel)
        resolve()
      }, ms)
      signal.addEventListener('abort', cancel)
    }),
}
