import { buffer } from 'node:stream/consumers'
import type { PartRelay, PartSigner } from '../../src/coordinator/ports.js'

/** Sends parts as a client does, with all of their bytes in memory. For buckets that are there too. */
export function memoryRelay(signer: PartSigner): PartRelay {
  return {
    putPart: async ({ key, multipartId, checksum, index, size, value, bytes }) => {
      const body = await buffer(bytes)
      const sum = typeof value === 'function' ? value() : value
      const part = { index, size, ...(sum !== undefined && { checksum: sum }) }
      const request = { key, multipartId, checksum, parts: [part], expiresInSeconds: 60 }
      const [signed] = await signer.signParts(request)
      if (signed === undefined) throw new Error('nothing was signed')
      const { url, headers } = signed
      const reply = await fetch(url, { method: 'PUT', headers, body })
      const text = await reply.text()
      if (reply.status === 404) return { kind: 'gone' }
      if (!reply.ok) throw new Error(`PUT was answered ${reply.status}: ${text}`)
      return { kind: 'stored', etag: reply.headers.get('etag')?.replaceAll('"', '') ?? '' }
    },
  }
}
