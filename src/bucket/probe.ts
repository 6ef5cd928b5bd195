import { findingsOf } from './probe-findings.js'
import { type Answer, type BucketFlags, type BucketReport, UNKNOWN_FLAGS } from './probe-report.js'
import {
  faultOf,
  type Keyed,
  type Probing,
  probeIfNoneMatch,
  probeMode,
  probePlain,
  succeeds,
} from './probe-steps.js'
import type { ProbeOptions, ProbeSubject } from './probe-subject.js'

/**
 * Finds out what a bucket can do, by doing it: tiny multipart uploads through signed URLs, each refused or
 * completed. Never rejects: what met a fault is `unknown`.
 *
 * A server need not have the right to delete. Without it every object of the probe has the one key
 * `{prefix}.partway-probe/object` and replaces the one before, so one of a few bytes stays behind; with it
 * the key is random and nothing stays. Probes of several processes may run at the same time: an object
 * with another probe's token is no answer.
 *
 * That all parts but the last must be equally large, as some buckets demand, is not probed: it would take
 * parts of 5 MiB, and our parts are always equal.
 */
export async function probeBucket(
  subject: ProbeSubject,
  options: ProbeOptions,
): Promise<BucketReport> {
  const faults: string[] = []
  const clockOffsetMs = await subject.clockOffset().catch((error: unknown) => {
    faults.push(faultOf('clock', error))
    return undefined
  })
  const flags = await probeFlags({ subject, options, faults })
  const report = { flags, faults, ...(clockOffsetMs === undefined ? {} : { clockOffsetMs }) }
  return { ...report, findings: findingsOf(report) }
}

async function probeFlags(probing: Probing): Promise<BucketFlags> {
  const { subject, options, faults } = probing
  // When the bucket is away, each further step would only wait for its own timeout.
  const isThere = await subject.bucket.check().then(
    () => true,
    (error: unknown) => {
      faults.push(faultOf('bucket', error))
      return false
    },
  )
  if (!isThere) return UNKNOWN_FLAGS
  const folder = `${options.keyPrefix}.partway-probe/`
  const passing = folder + options.random()
  const mayDelete = await succeeds(subject.deleteObject(passing))
  const keyed = { ...probing, folder, key: mayDelete ? passing : `${folder}object` }
  try {
    return await probeAll(keyed)
  } finally {
    if (mayDelete) await succeeds(subject.deleteObject(keyed.key))
  }
}

async function probeAll(keyed: Keyed): Promise<BucketFlags> {
  const plain = await probePlain(keyed)
  const ifNoneMatchOnComplete = await probeIfNoneMatch(keyed, plain)
  const sha256 = await probeMode(keyed, 'sha256')
  const crc64nvme = await probeMode(keyed, 'crc64nvme')
  const crc32c = await probeMode(keyed, 'crc32c')
  const crc32 = await probeMode(keyed, 'crc32')
  const md5 = await probeMode(keyed, 'md5')
  return {
    ...plain,
    ifNoneMatchOnComplete,
    partChecksumEnforced: inGeneral([sha256, crc64nvme, crc32c, crc32, md5].map((of) => of.parts)),
    sha256Root: sha256.mode,
    fullObjectCrc: { crc64nvme: crc64nvme.mode, crc32c: crc32c.mode, crc32: crc32.mode },
    contentMd5: md5.mode,
  }
}

/** Of modes that the bucket does not have nothing is known; that says nothing of the others. */
function inGeneral(answers: readonly Answer[]): Answer {
  if (answers.includes('no')) return 'no'
  return answers.includes('yes') ? 'yes' : 'unknown'
}
