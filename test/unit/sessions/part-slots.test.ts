import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PartRecord } from '../../../src/coordinator/session.js'
import { CHECKSUM_BYTES, CHECKSUM_MODES } from '../../../src/protocol/index.js'
import { decodeSlots, encodeSlots, isHexEtag, slotBytes } from '../../../src/sessions/part-slots.js'

const etag = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 32, maxLength: 32 }),
  fc.string(),
)

describe('slots of parts', () => {
  it.each(CHECKSUM_MODES)('give back what was put in, in mode %s', (mode) => {
    const length = { minLength: CHECKSUM_BYTES[mode], maxLength: CHECKSUM_BYTES[mode] }
    const checksum = fc
      .uint8Array(length)
      .map((bytes) => (mode === 'none' ? undefined : Buffer.from(bytes).toString('base64')))
    const part = fc.record({ etag: fc.option(etag, { nil: undefined }), checksum })
    fc.assert(
      fc.property(fc.array(part), (given) => {
        const parts: PartRecord[] = given.map((known, index) => ({ index, ...defined(known) }))
        const odd = parts.flatMap(({ index, etag: text }) =>
          text === undefined || isHexEtag(text) ? [] : [[index, text] as const],
        )
        const bytes = encodeSlots(mode, parts)
        const oddEtags = new Map(odd)
        expect(bytes.length).toBe(parts.length * slotBytes(mode))
        const decoded = decodeSlots({ mode, bytes, indexAt: (position) => position, oddEtags })
        expect(decoded).toEqual(parts.filter((known) => Object.keys(known).length > 1))
      }),
    )
  })

  it('take 49 bytes with SHA-256', () => {
    expect(slotBytes('sha256')).toBe(49)
  })
})

function defined<T extends object>(value: T) {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined))
}
