import type { Bucket, PartSigner } from '../coordinator/ports.js'
import type { putPart } from './put-part.js'

/** The bucket under test, in the calls that only the probe makes and those of the ports. */
export interface ProbeSubject {
  readonly bucket: Bucket
  /** The same bucket; its Complete is sent with `If-None-Match: *`. */
  readonly unreplacing: Bucket
  /** Its URLs must lead to where this process reaches the bucket. */
  readonly signer: PartSigner
  /** The ids of the open multipart uploads whose keys begin with `prefix`. */
  listMultipartIds(prefix: string): Promise<readonly string[]>
  deleteObject(key: string): Promise<void>
  /** How far the bucket's clock is ahead of ours, in ms. */
  clockOffset(): Promise<number>
}

export interface ProbeOptions {
  /** What the keys of uploads begin with: rights may be for those alone. */
  readonly keyPrefix: string
  /** Never the same text twice. */
  readonly random: () => string
  /** Sends a part to its URL. @default by Node's own HTTP */
  readonly put?: typeof putPart
}
