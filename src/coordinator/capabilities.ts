import { CHECKSUM_MODES, type ChecksumMode } from '../protocol/index.js'

/** What the bucket was found to be able to do. What is not known counts as possible. */
export interface BucketCapabilities {
  /** The modes that uploads may have, the strongest first. `none` is always among them. */
  readonly modes: readonly ChecksumMode[]
}

/** What is assumed of a bucket of which nothing is known. */
export const ALL_CAPABILITIES: BucketCapabilities = { modes: CHECKSUM_MODES }
