/** The same bytes for the same seed, in a page as in Node (xorshift32). `size` is a multiple of 4. */
export function seededBytes(seed: number, size: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(size / 4)
  let state = seed >>> 0 || 1
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
  return new Uint8Array(words.buffer)
}
