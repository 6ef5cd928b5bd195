/** What `work` gives for each of them, in their order; so many at a time. */
export async function eachAtOnce<T, R>(
  concurrency: number,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const left = items.entries()
  const lane = async (): Promise<void> => {
    for (const [position, item] of left) results[position] = await work(item)
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
  return results
}
