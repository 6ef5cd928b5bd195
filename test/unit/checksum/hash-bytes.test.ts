import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { HashMode } from '../../../src/checksum/part-hasher.js'
import { hashBytes as webHash } from '../../../src/checksum/web.js'
import { HASH_MODES, HASH_PATHS, hex } from './hash-paths.js'

const text = (value: string) => new TextEncoder().encode(value)
const filled = (length: number, byte: (i: number) => number) =>
  Uint8Array.from({ length }, (_, i) => byte(i))

type Vector = readonly [name: string, bytes: Uint8Array, value: string]

const CHECK = '123456789'
const ALNUM = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

const VECTORS: Record<HashMode, readonly Vector[]> = {
  // https://csrc.nist.gov/projects/cryptographic-standards-and-guidelines/example-values
  sha256: [
    ['nothing', text(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['one block', text('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'two blocks',
      text('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
    [
      'a million "a"',
      filled(1_000_000, () => 0x61),
      'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0',
    ],
  ],
  // RFC 1321, appendix A.5
  md5: [
    ['nothing', text(''), 'd41d8cd98f00b204e9800998ecf8427e'],
    ['"a"', text('a'), '0cc175b9c0f1b6a831c399e269772661'],
    ['"abc"', text('abc'), '900150983cd24fb0d6963f7d28e17f72'],
    ['"message digest"', text('message digest'), 'f96b697d7cb7938d525a2f31aaf161d0'],
    ['letters', text('abcdefghijklmnopqrstuvwxyz'), 'c3fcd3d76192e4007dfb496cca67e13b'],
    ['letters and digits', text(ALNUM), 'd174ab98d277d9f5a5611c2c9f419d9f'],
    ['80 digits', text('1234567890'.repeat(8)), '57edf4a22be3c955ac49da2e2107b67a'],
  ],
  // https://reveng.sourceforge.io/crc-catalogue/17plus.htm#crc.cat.crc-32-iso-hdlc
  crc32: [
    ['nothing', text(''), '00000000'],
    ['the check value', text(CHECK), 'cbf43926'],
  ],
  // RFC 3720, appendix B.4, which prints the bytes in the order of iSCSI, lowest first
  crc32c: [
    ['nothing', text(''), '00000000'],
    ['the check value', text(CHECK), 'e3069283'],
    ['32 bytes of zeroes', filled(32, () => 0), '8a9136aa'],
    ['32 bytes of ones', filled(32, () => 0xff), '62a8ab43'],
    ['32 bytes of incrementing 00..1f', filled(32, (i) => i), '46dd794e'],
    ['32 bytes of decrementing 1f..00', filled(32, (i) => 31 - i), '113fdb5c'],
    [
      'an iSCSI SCSI Read (10) command',
      Buffer.from(
        '01c000000000000000000000000000001400000000000400000000140000001828000000000000000200000000000000',
        'hex',
      ),
      'd9963a56',
    ],
  ],
  // NVM Command Set Specification 1.0d, section 5.2.1.3.5, and the same catalogue's check value
  crc64nvme: [
    ['nothing', text(''), '0000000000000000'],
    ['the check value', text(CHECK), 'ae8b14860a799888'],
    ['4 KiB of zeroes', filled(4096, () => 0), '6482d367eb22b64e'],
    ['4 KiB of ones', filled(4096, () => 0xff), 'c0ddba7302eca3ac'],
    ['4 KiB of incrementing 00..ff', filled(4096, (i) => i % 256), '3e729f5f6750449c'],
    ['4 KiB of decrementing ff..00', filled(4096, (i) => 255 - (i % 256)), '9a2df64b8e9e517e'],
  ],
}

afterEach(() => {
  vi.unstubAllGlobals()
})

describe.each(Object.entries(HASH_PATHS))('a part hashed by %s', (_, hash) => {
  it.each(HASH_MODES.flatMap((mode) => VECTORS[mode].map((vector) => [mode, ...vector] as const)))(
    'has the published %s of %s',
    async (mode, _name, bytes, value) => {
      expect(hex(await hash(mode, bytes))).toBe(value)
    },
  )

  it('has the same checksum when many are hashed at once', async () => {
    const parts = Array.from({ length: 20 }, (_, i) =>
      filled(1000 + i, (at) => (at * 31 + i) & 255),
    )
    for (const mode of HASH_MODES) {
      const apart: string[] = []
      for (const part of parts) apart.push(await hash(mode, part))
      expect(await Promise.all(parts.map((part) => hash(mode, part)))).toEqual(apart)
    }
  })
})

describe('the ways of hashing', () => {
  it.each(HASH_MODES)('agree about the %s of any bytes', async (mode) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const values = Object.values(HASH_PATHS).map((hash) => hash(mode, bytes))
        expect(new Set(await Promise.all(values)).size).toBe(1)
      }),
    )
  })

  it('agree about bytes that are a view into a larger buffer', async () => {
    const whole = filled(64, (i) => i)
    const view = whole.subarray(9, 41)
    for (const mode of HASH_MODES) {
      for (const hash of Object.values(HASH_PATHS)) {
        expect(await hash(mode, view)).toBe(await hash(mode, view.slice()))
      }
    }
  })

  it('agree beyond the buffer through which WebAssembly is fed', async () => {
    const bytes = filled(100_003, (i) => (i * i) >> 3)
    for (const mode of HASH_MODES) {
      const values = Object.values(HASH_PATHS).map((hash) => hash(mode, bytes))
      expect(new Set(await Promise.all(values)).size).toBe(1)
    }
  })
})

describe('a page outside a secure context', () => {
  it.each([
    ['without crypto.subtle', {}],
    ['without crypto', undefined],
  ])('hashes SHA-256 %s', async (_, crypto) => {
    vi.stubGlobal('crypto', crypto)
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const expected = createHash('sha256').update(bytes).digest('base64')
        expect(await webHash('sha256', bytes)).toBe(expected)
      }),
    )
  })
})
