import { bucketTrouble, type Finding, pageFindings, type S3Connection } from '../bucket/index.js'
import type { Clock } from '../coordinator/ports.js'
import { abilityFindings, cleanUpFinding, rightsFindings } from './bucket-findings.js'
import { connectBucket } from './compose.js'
import type { ServerConfig } from './config.js'
import { describeError } from './describe-error.js'
import { SigningClock } from './signing-clock.js'

export interface BucketExamination {
  readonly bucket: readonly Finding[]
  /** About pages that send parts. */
  readonly browsers: readonly Finding[]
}

export interface ExamineBucketOptions {
  readonly clock: Pick<Clock, 'now'>
  /** Of pages that are to upload. */
  readonly origins: readonly string[]
}

/** For `partway doctor`. What it tries at the bucket it takes away again. */
export async function examineBucket(
  config: ServerConfig,
  { clock, origins }: ExamineBucketOptions,
): Promise<BucketExamination> {
  const signingClock = new SigningClock(clock)
  const s3 = connectBucket(config, { clock: signingClock })
  const { keyPrefix, sessionTtlMs } = config
  try {
    await s3.bucket.check()
    const { findings, flags, clockOffsetMs = 0 } = await s3.probe({ keyPrefix, clock })
    signingClock.follow(clockOffsetMs)
    const { listMultipart } = flags
    const kept = await s3.housekeeping.keptUploads(keyPrefix)
    const bucket = [
      { level: 'ok', text: reachedBy(config) } as const,
      ...findings,
      ...abilityFindings(flags),
      ...(await rightsFindings(s3.housekeeping, keyPrefix)),
      cleanUpFinding({ kept, listMultipart, sessionTtlMs }),
    ]
    return { bucket, browsers: await examineBrowsers(config, s3, origins) }
  } catch (error) {
    const text = bucketTrouble(error, config.bucket.name)
    return { bucket: [{ level: 'broken', text }], browsers: [] }
  } finally {
    s3.close()
  }
}

function reachedBy({ bucket }: ServerConfig): string {
  const { name, endpoint, publicEndpoint } = bucket
  const isInPath = bucket.forcePathStyle ?? (endpoint ?? publicEndpoint) !== undefined
  const where = isInPath ? 'path' : 'host'
  return `The bucket ${name} answers, and takes the credentials. Its name is in the ${where} of URLs.`
}

async function examineBrowsers(
  { keyPrefix, bucket, host, port }: ServerConfig,
  s3: S3Connection,
  origins: readonly string[],
): Promise<Finding[]> {
  // Without pages of other origins there is still the address that clients are sent to.
  const asked =
    origins.length > 0 ? origins : bucket.publicEndpoint ? [`http://${host}:${port}`] : []
  const found: Finding[] = []
  for (const origin of asked) {
    try {
      const answers = await s3.askAsPage(origin, keyPrefix)
      const isReached = answers.part.status < 300
      if (origins.length > 0 || !isReached) found.push(...pageFindings(origin, answers))
      else found.push({ level: 'ok', text: `Clients reach the bucket at ${answers.address}.` })
    } catch (error) {
      const { code, message } = describeError(error)
      const text = `Nothing takes a part where clients are sent (${code ?? message}); check PARTWAY_S3_PUBLIC_ENDPOINT.`
      found.push({ level: 'broken', text })
    }
  }
  return found
}
