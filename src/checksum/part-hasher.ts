import type { ChecksumMode } from '../protocol/index.js'

/** The modes in which a part has a checksum. */
export type HashMode = Exclude<ChecksumMode, 'none'>

/** Computes the checksum of one part from its bytes, as they come. */
export interface PartHasher {
  /** Takes the next bytes. They may be overwritten once this returns. */
  update(bytes: Uint8Array): void
  /** The checksum of all bytes so far, in base64 as S3 has it. The hasher is of no use afterwards. */
  digest(): string
}
