export interface ConcurrentlyOptions {
  /** How many at a time. It is asked whenever one has ended, so it may change. */
  readonly limit: () => number
  readonly onFailure: (error: unknown) => void
}

/**
 * Runs `work` for every item, at most `limit` at a time, in their order. After the first failure nothing
 * more is begun, `onFailure` is told, so that what is under way can be stopped, and when all of it has
 * ended the failure is thrown.
 */
export function forEachConcurrently<T>(
  items: Iterable<T>,
  { limit, onFailure }: ConcurrentlyOptions,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]()
  let failure: { readonly error: unknown } | undefined
  let isExhausted = false
  let active = 0
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      if (failure !== undefined) return
      failure = { error }
      onFailure(error)
    }
    const fill = () => {
      while (failure === undefined && !isExhausted && active < limit()) {
        const next = rest.next()
        if (next.done === true) isExhausted = true
        else begin(next.value)
      }
      if (active > 0) return
      if (failure === undefined) resolve()
      else reject(failure.error)
    }
    const begin = (item: T) => {
      active++
      work(item)
        .catch(fail)
        .finally(() => {
          active--
          fill()
        })
    }
    fill()
  })
}
