import type { CreateUploadOptions } from '../../../src/client/index.js'
import type { SignedPart } from '../../../src/protocol/index.js'

/** What the page that is measured offers, as `window.bench`. */
export interface BenchPage {
  /** Sends the parts by nothing but `fetch`, over all connections that there are. Resolves to their ETags. */
  sendBare(parts: readonly SignedPart[], options: BareOptions): Promise<string[]>
  upload(options: CreateUploadOptions): Promise<Uploaded>
  /** The longest task of the page's own thread since it was last asked, in ms; 0 when none took 50 ms. */
  longestTask(): number
}

export interface BareOptions {
  readonly connections: number
  /** Whether the SHA-256 of each part is computed before it is sent, though it is known. */
  readonly hashes: boolean
}

export interface Uploaded {
  /** Of the object. */
  readonly key: string
  /** When each state was reached, in ms after the start. */
  readonly reached: Readonly<Record<string, number>>
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

async function put(
  { index, url, headers, size }: SignedPart,
  offset: number,
  hashes: boolean,
): Promise<string> {
  const { 'content-length': _, ...rest } = headers
  const body = chosenFile().slice(offset, offset + size)
  if (hashes) await crypto.subtle.digest('SHA-256', await body.arrayBuffer())
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
  async sendBare(parts, { connections, hashes }) {
    const chunkSize = parts[0]?.size ?? 0
    const etags: string[] = []
    const rest = parts.values()
    const connection = async () => {
      for (const part of rest) {
        etags[part.index - 1] = await put(part, (part.index - 1) * chunkSize, hashes)
      }
    }
    await Promise.all(Array.from({ length: connections }, connection))
    return etags
  },
  async upload(options) {
    const upload = createUpload(chosenFile(), options)
    const reached: Record<string, number> = {}
    const start = performance.now()
    upload.on('state', ({ state }) => {
      reached[state] ??= performance.now() - start
    })
    const { object } = await upload.start()
    return { key: object.key, reached }
  },
  longestTask() {
    const since = longest
    longest = 0
    return since
  },
}
document.title = 'ready'
