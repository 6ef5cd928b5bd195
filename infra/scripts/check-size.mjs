// Holds the promise on what the client costs a page: dist/client/partway-client.js, minified and gzipped, with
// everything that it imports at once. What is loaded only where WebCrypto is missing does not count.
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const LIMIT = 20_000
const file = new URL('../../dist/client/partway-client.js', import.meta.url)

const source = readFileSync(file, 'utf8')
const eager = [
  ...source.matchAll(/(?:^|[;}\n])import\s*(?:[\w*{][^'"()]*from\s*)?["']([^"']+)["']/g),
]
if (eager.length > 0) throw new Error(`it is not one file: it imports ${eager.map((m) => m[1])}`)

const bytes = gzipSync(source, { level: 9 }).length
console.log(`the client for a page: ${bytes} of ${LIMIT} bytes, minified and gzipped`)
if (bytes > LIMIT) throw new Error(`the client for a page is ${bytes - LIMIT} bytes too large`)
