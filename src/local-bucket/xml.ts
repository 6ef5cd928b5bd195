import { XMLParser } from 'fast-xml-parser'
import { S3Error } from './s3-error.js'

/** An element: its name, and its text or children. One without a value is left out. */
export type XmlElement = readonly [name: string, value: XmlValue]
export type XmlValue = string | number | boolean | undefined | readonly XmlElement[]

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

/** A whole document. Errors have no namespace, everything else has. */
export function xmlDocument([name, value]: XmlElement): string {
  const attribute = name === 'Error' ? '' : ` xmlns="${NAMESPACE}"`
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name}${attribute}>${render(value)}</${name}>`
}

function render(value: XmlValue): string {
  if (value === undefined) return ''
  if (typeof value !== 'object') return escapeText(String(value))
  return value
    .filter(([, inner]) => inner !== undefined)
    .map(([name, inner]) => `<${name}>${render(inner)}</${name}>`)
    .join('')
}

// Carriage returns and the like would not survive a parser, so they go as references.
const SPECIAL = /[&<>"\p{Cc}]/gu
const NAMED: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escapeText(text: string): string {
  return text.replace(SPECIAL, (char) => NAMED[char] ?? `&#x${char.charCodeAt(0).toString(16)};`)
}

// Entities are not the parser's business: it would expand those that a document declares, too.
const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  processEntities: false,
  trimValues: false,
  removeNSPrefix: true,
  isArray: (name) => name === 'Part' || name === 'Object',
})

/** The contents of the document's root element `root`, texts with their entities still in them. */
export function parseXml(text: string, root: string): unknown {
  // No request of S3 has a document type, and it is what attacks on XML parsers are made of.
  if (text.includes('<!DOCTYPE')) throw malformed()
  try {
    const parsed: unknown = parser.parse(text, true)
    if (typeof parsed === 'object' && parsed !== null && root in parsed) {
      return (parsed as Record<string, unknown>)[root]
    }
  } catch {
    // Told as any other document that is not what was asked for.
  }
  throw malformed()
}

export function malformed(): S3Error {
  return new S3Error('MalformedXML', 'The XML you provided was not well-formed or did not validate')
}

const ENTITY = /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(lt|gt|amp|quot|apos));/gi
const CHARACTERS: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** Resolves the entities that XML itself has. */
export function unescapeText(text: string): string {
  return text.replace(ENTITY, (entity, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return CHARACTERS[name.toLowerCase()] ?? entity
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : entity
  })
}
