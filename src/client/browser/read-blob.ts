import type { PartBuffer } from '../ports.js'

/**
 * Chromium collects a stream that nothing but its own reading holds on to, and then the reading never ends. So whoever
 * reads is held here.
 */
const reading = new Set<ReadableStreamBYOBReader | undefined>()

/**
 * Reads into memory that is there already: what `arrayBuffer()` makes anew for every part stays until the next
 * garbage collection. That is the way where there is no other, and where why a file cannot be read is told.
 */
export async function readBlob(piece: Blob, buffer: PartBuffer): Promise<Uint8Array> {
  let reader: ReadableStreamBYOBReader | undefined
  try {
    reader = piece.stream().getReader({ mode: 'byob' })
    reading.add(reader)
    let filled = 0
    while (filled < piece.size) {
      const free = buffer().subarray(filled, piece.size) as Uint8Array<ArrayBuffer>
      const { value } = await reader.read(free)
      if (!value?.length) break
      buffer(new Uint8Array(value.buffer))
      filled += value.length
    }
    return buffer().subarray(0, filled)
  } catch {
    return new Uint8Array(await piece.arrayBuffer())
  } finally {
    reading.delete(reader)
  }
}
