import type { Bucket, PartSigner } from '../../coordinator/ports.js'
import { observed, overlaid } from '../observed.js'
import type { Meter } from './meter.js'
import { type Stopwatch, timedCalls } from './timed-calls.js'

/** The same bucket, whose calls are measured. Of a stream, the time until it begins. */
export function meteredBucket(bucket: Bucket, meter: Meter, stopwatch: Stopwatch): Bucket {
  const counting = overlaid(bucket, {
    completeMultipartUpload: async (request) => {
      const outcome = await bucket.completeMultipartUpload(request)
      const what = DIFFERING[outcome.kind]
      if (what !== undefined) meter.count('partway_checksum_failures_total', { what })
      return outcome
    },
  })
  return observed(counting, timedCalls(meter, stopwatch, { port: counting, of: 'bucket' }))
}

const DIFFERING: Readonly<Record<string, 'part' | 'digest'>> = {
  'invalid-part': 'part',
  'digest-differs': 'digest',
}

export function meteredSigner(signer: PartSigner, meter: Meter, stopwatch: Stopwatch): PartSigner {
  return overlaid(signer, {
    signParts: async (request) => {
      const seconds = stopwatch()
      const signed = await signer.signParts(request)
      meter.observe('partway_sign_seconds', {}, seconds())
      meter.count('partway_parts_signed_total', {}, signed.length)
      return signed
    },
  })
}
