import { fromBase64, toBase64 } from './base64.js'

/**
 * The CRC of a whole object from the CRCs of its parts, without their bytes.
 *
 * A CRC is a polynomial over GF(2) modulo the CRC's own polynomial `P`. To append `n` bytes to `a` is to
 * multiply by `x^8n`, hence `crc(a ‖ b) = crc(a) · x^8n + crc(b) mod P`, with `n` the length of `b`. The
 * formula stays true for CRCs that begin and end with all bits inverted, as all of these do: both
 * inversions cancel out (zlib's `crc32_combine` rests on the same).
 *
 * Polynomials are reflected: the highest bit of a `width`-bit number is the coefficient of `x^0`. They
 * are kept as two 32-bit halves, because the same loop over BigInt takes some thirty times as long.
 */
interface Polynomial {
  readonly high: number
  readonly low: number
}

interface Crc {
  readonly width: 32 | 64
  /** `P` without its highest power. */
  readonly modulus: Polynomial
}

const CRCS = {
  crc32: { width: 32, modulus: { high: 0, low: 0xedb88320 } },
  crc32c: { width: 32, modulus: { high: 0, low: 0x82f63b78 } },
  crc64nvme: { width: 64, modulus: { high: 0x9a6c9329, low: 0xac4bc9b5 } },
} as const satisfies Record<string, Crc>

export type CrcMode = keyof typeof CRCS

/** A stretch of bytes: its checksum in base64 as S3 has it, and its length in bytes. */
export interface Stretch {
  readonly checksum: string
  readonly size: number
}

/**
 * The CRC, in base64, of all `parts` in their order. Throws when a checksum is not one of `mode`.
 * There is one power to compute for each distinct size but the first part's, so equal parts are cheap.
 */
export function combineCrcs(mode: CrcMode, parts: readonly Stretch[]): string {
  const crc = CRCS[mode]
  const shifts = new Map<number, Polynomial>()
  let whole: Polynomial = { high: 0, low: 0 }
  for (const { checksum, size } of parts) {
    const shift = shifts.get(size) ?? powerOfX8(crc, size)
    shifts.set(size, shift)
    whole = sum(product(crc, whole, shift), decode(crc, checksum))
  }
  return encode(crc, whole)
}

function sum(a: Polynomial, b: Polynomial): Polynomial {
  return { high: a.high ^ b.high, low: a.low ^ b.low }
}

/** `a · b mod P`, by Horner's rule from the highest power of `a` (its lowest bit) to `x^0`. */
function product({ width, modulus }: Crc, a: Polynomial, b: Polynomial): Polynomial {
  let high = 0
  let low = 0
  for (let bit = 0; bit < width; bit++) {
    const reduce = -(low & 1)
    low = ((low >>> 1) | (high << 31)) ^ (modulus.low & reduce)
    high = (high >>> 1) ^ (modulus.high & reduce)
    const take = -(((bit < 32 ? a.low : a.high) >>> (bit & 31)) & 1)
    low ^= b.low & take
    high ^= b.high & take
  }
  return { high, low }
}

/** `x^(8 · exponent) mod P` by repeated squaring, for any safe integer. */
function powerOfX8(crc: Crc, exponent: number): Polynomial {
  let power = monomial(crc, 0)
  let square = monomial(crc, 8)
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = product(crc, power, square)
    square = product(crc, square, square)
  }
  return power
}

/** `x^degree` for a degree below 32. */
function monomial({ width }: Crc, degree: number): Polynomial {
  const word = 0x8000_0000 >>> degree
  return width === 64 ? { high: word, low: 0 } : { high: 0, low: word }
}

function decode({ width }: Crc, checksum: string): Polynomial {
  const bytes = fromBase64(checksum)
  if (bytes.length * 8 !== width) throw new RangeError(`Not a CRC of ${width} bits: ${checksum}`)
  const view = new DataView(bytes.buffer)
  return width === 64
    ? { high: view.getUint32(0), low: view.getUint32(4) }
    : { high: 0, low: view.getUint32(0) }
}

function encode({ width }: Crc, { high, low }: Polynomial): string {
  const view = new DataView(new ArrayBuffer(width / 8))
  if (width === 64) view.setUint32(0, high)
  view.setUint32(width / 8 - 4, low)
  return toBase64(new Uint8Array(view.buffer))
}
