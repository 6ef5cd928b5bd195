import type { BucketFlags, Finding, Housekeeping, KeptUploads } from '../bucket/index.js'

const DAY_MS = 24 * 60 * 60 * 1000

/** When MinIO removes unfinished uploads, if nobody has told it otherwise. */
const MINIO_KEEPS_MS = DAY_MS

export interface CleanUpFacts {
  readonly kept: KeptUploads
  readonly listMultipart: BucketFlags['listMultipart']
  readonly sessionTtlMs: number
}

/** Whether the bucket keeps unfinished uploads for as long as clients are promised, and does not keep them for ever. */
export function cleanUpFinding({ kept, listMultipart, sessionTtlMs }: CleanUpFacts): Finding {
  const ttl = `PARTWAY_SESSION_TTL (${inDays(sessionTtlMs)})`
  if (kept.kind === 'days') {
    if (kept.days * DAY_MS < sessionTtlMs) {
      const text = `The bucket removes unfinished uploads ${kept.days} days after they were begun, and ${ttl} promises more: raise DaysAfterInitiation of the lifecycle rule, or lower the setting.`
      return { level: 'less', text }
    }
    return { level: 'ok', text: `The bucket removes unfinished uploads after ${kept.days} days.` }
  }
  // Nobody can be asked for it: the one bucket that is known to list by exact key only tells by no call what it removes.
  if (listMultipart === 'exact-key') {
    const what = `The bucket lists uploads by exact key, as MinIO does, which removes unfinished uploads 24 hours after they were begun`
    if (sessionTtlMs <= MINIO_KEEPS_MS) return { level: 'ok', text: `${what}.` }
    return {
      level: 'less',
      text: `${what}, and ${ttl} promises more: set MINIO_API_STALE_UPLOADS_EXPIRY there to as much, or lower the setting. If that is done already, all is well.`,
    }
  }
  if (kept.kind === 'unknown') {
    const text =
      'Whether the bucket removes unfinished uploads could not be found out (s3:GetLifecycleConfiguration is not allowed, or it has no such rules).'
    return { level: 'unknown', text }
  }
  const text = `No lifecycle rule of the bucket removes unfinished uploads. The janitor does, but not what a lost store has left: add AbortIncompleteMultipartUpload with more days than ${ttl} has.`
  return { level: 'less', text }
}

/** Whether the credentials may do what is needed, and no more. */
export async function rightsFindings(
  housekeeping: Pick<Housekeeping, 'rights'>,
  keyPrefix: string,
): Promise<Finding[]> {
  const { mayDelete, mayReadPolicy } = await housekeeping.rights(keyPrefix)
  const findings: Finding[] = []
  if (mayDelete === 'no') {
    const text =
      'The credentials may not delete objects (s3:DeleteObject): what turns out not to be the file that it was said to be cannot be removed.'
    findings.push({ level: 'less', text })
  }
  if (mayReadPolicy === 'yes') {
    const text =
      'The credentials may do more than uploads need, such as read the policy of the bucket: give the server a key of its own with infra/minio/policy.json or infra/aws/policy.json.'
    findings.push({ level: 'less', text })
  }
  if (mayDelete === 'yes' && mayReadPolicy === 'no') {
    findings.push({
      level: 'ok',
      text: 'The credentials may do what is needed, and were refused more.',
    })
  }
  return findings
}

/** What the probe found besides what every server tells at its start. */
export function abilityFindings({ listMultipart, ifNoneMatchOnComplete }: BucketFlags): Finding[] {
  const findings: Finding[] = []
  if (ifNoneMatchOnComplete !== 'unknown') {
    const knows = ifNoneMatchOnComplete === 'yes' ? 'knows' : 'does not know'
    const text = `The bucket ${knows} If-None-Match at completion; nothing here depends on it.`
    findings.push({ level: 'ok', text })
  }
  if (listMultipart === 'none') {
    const text =
      'The bucket does not list unfinished uploads to us (s3:ListBucketMultipartUploads): where a record is lost, the upload begins anew.'
    findings.push({ level: 'less', text })
  } else if (listMultipart !== 'unknown') {
    const text = 'Unfinished uploads whose record is lost can be found again.'
    findings.push({ level: 'ok', text })
  }
  return findings
}

function inDays(ms: number): string {
  const days = ms / DAY_MS
  return days >= 1 ? `${Number(days.toFixed(1))} d` : `${Number((days * 24).toFixed(1))} h`
}
