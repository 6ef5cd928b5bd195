import type { CreateUploadOptions } from '../../../src/client/index.js'
import type { SignedPart } from '../../../src/protocol/index.js'

/** What the page that is measured offers, as `window.bench`. */
export interface BenchPage {
  /** Sends the parts by nothing but `fetch`, over all connections that there are. Resolves to their ETags. */
  sendBare(parts: readonly SignedPart[], connections: number): Promise<string[]>
  /** Resolves to the key of the object. */
  upload(options: CreateUploadOptions): Promise<string>
  /** The longest task of the page's own thread since it was last asked, in ms; 0 when none took 50 ms. */
  longestTask(): number
}

declare global {
  interface Window {
    bench: BenchPage
  }
}

// The very file that a page loads, not the sources.
const built = '/client/partway-client.js'
const { createUpload }: typeof import('../../../src/client/index.js') = await import(built)

const input = Object.assign(document.createElement('input'), { type: 'file' })
document.body.append(input)

function chosenFile(): File {
  const file = input.files?.[0]
  if (file === undefined) throw new Error('no file was chosen')
  return file
}

async function put({ index, url, headers, size }: SignedPart, offset: number): Promise<string> {
  const { 'content-length': _, ...rest } = headers
  const body = chosenFile().slice(offset, offset + size)
  const reply = await fetch(url, { method: 'PUT', headers: rest, body })
  const etag = reply.headers.get('etag')
  if (!reply.ok || etag === null) throw new Error(`part ${index} was answered with ${reply.status}`)
  return etag
}

let longest = 0
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) longest = Math.max(longest, duration)
}).observe({ type: 'longtask', buffered: true })

window.bench = {
  async sendBare(parts, connections) {
    const chunkSize = parts[0]?.size ?? 0
    const etags: string[] = []
    const rest = parts.values()
    const connection = async () => {
      for (const part of rest) {
        etags[part.index - 1] = await put(part, (part.index - 1) * chunkSize)
      }
    }
    await Promise.all(Array.from({ length: connections }, connection))
    return etags
  },
  async upload(options) {
    const { object } = await createUpload(chosenFile(), options).start()
    return object.key
  },
  longestTask() {
    const since = longest
    longest = 0
    return since
  },
}
document.title = 'ready'
