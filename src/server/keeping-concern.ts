import type { BucketFlags, S3Connection } from '../bucket/index.js'
import { cleanUpFinding } from './bucket-findings.js'
import type { ServerConfig } from './config.js'
import type { Log } from './logging.js'

/**
 * Warns, once, where the bucket does not keep unfinished uploads for as long as `PARTWAY_SESSION_TTL` promises, or keeps
 * them for ever. Never rejects: whatever cannot be found out now is found out by `partway doctor`.
 */
export function keepingConcern(
  { housekeeping }: Pick<S3Connection, 'housekeeping'>,
  { keyPrefix, sessionTtlMs }: Pick<ServerConfig, 'keyPrefix' | 'sessionTtlMs'>,
  log: Log,
): (flags: BucketFlags) => Promise<void> {
  let told: string | undefined
  return async ({ listMultipart }) => {
    if (listMultipart === 'unknown') return
    const kept = await housekeeping
      .keptUploads(keyPrefix)
      .catch(() => ({ kind: 'unknown' }) as const)
    const { level, text } = cleanUpFinding({ kept, listMultipart, sessionTtlMs })
    if (level !== 'less' || text === told) return
    told = text
    log.warn({ event: 'janitor.concern', concern: text })
  }
}
