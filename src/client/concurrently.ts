/**
 * Runs `work` for every item, at most `limit` at a time, in their order. After the first failure nothing
 * more is begun, `onFailure` is told, so that what is under way can be stopped, and when all of it has
 * ended the failure is thrown.
 */
export async function forEachConcurrently<T>(
  items: Iterable<T>,
  { limit, onFailure }: { readonly limit: number; readonly onFailure: (error: unknown) => void },
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]()
  let failure: { readonly error: unknown } | undefined
  const worker = async () => {
    for (let next = rest.next(); !next.done && failure === undefined; next = rest.next()) {
      try {
        await work(next.value)
      } catch (error) {
        if (failure === undefined) {
          failure = { error }
          onFailure(error)
        }
      }
    }
  }
  await Promise.all(Array.from({ length: limit }, worker))
  // Read through a function: the workers assign it where the compiler does not look.
  const failed = (() => failure)()
  if (failed !== undefined) throw failed.error
}
