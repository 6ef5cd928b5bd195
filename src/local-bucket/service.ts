import type { SignedCall } from './body.js'
import type { Blobs, Reading } from './storage/blobs.js'
import type { Catalogue } from './storage/catalogue.js'
import type { XmlElement } from './xml.js'
import { xmlDocument } from './xml.js'

/** What the operations work with. */
export interface Service {
  readonly catalogue: Catalogue
  readonly blobs: Blobs
  readonly region: string
  readonly now: () => number
  /** Random text of hexadecimal digits. */
  readonly randomHex: (bytes: number) => string
}

/** A call to an operation on a bucket. */
export interface BucketCall extends SignedCall {
  readonly bucket: string
}

/** A call to an operation on an object. */
export interface ObjectCall extends BucketCall {
  readonly key: string
}

export interface S3Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Reading
}

export function xmlReply(element: XmlElement, headers: S3Reply['headers'] = {}): S3Reply {
  return {
    status: 200,
    headers: { 'content-type': 'application/xml', ...headers },
    body: xmlDocument(element),
  }
}

export const NO_CONTENT: S3Reply = { status: 204 }

/** A time as XML has it. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

export function quote(etag: string): string {
  return `"${etag}"`
}

export function unquote(etag: string): string {
  return etag.trim().replace(/^"(.*)"$/, '$1')
}
