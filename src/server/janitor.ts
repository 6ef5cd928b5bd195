import { bucketTrouble, type S3Connection } from '../bucket/index.js'
import { systemClock } from '../coordinator/create-partway.js'
import type { Clock, SessionStore } from '../coordinator/ports.js'
import { findOrphans, type Orphan } from '../operations/index.js'
import { type Audit, openAudit } from './audit/open-audit.js'
import { compose, connectBucket } from './compose.js'
import { readConfig, type ServerConfig } from './config.js'
import { describeError } from './describe-error.js'
import { type JanitorFlags, type JanitorIo, JanitorReport } from './janitor-report.js'
import { createLog } from './logging.js'
import { refuseSettings } from './serve.js'
import type { Environment } from './settings-reader.js'
import { openStore } from './store.js'

const OK = 0
const FAILED = 1

/**
 * `partway janitor`: does once what servers do every few minutes, with the settings of `serve`, and looks for what a lost
 * store has left in the bucket. That is removed only where `orphans` says so: a record may be missing here because it is in
 * the store of another server.
 */
export async function janitor(
  env: Environment,
  io: JanitorIo,
  flags: JanitorFlags = {},
): Promise<number> {
  const outcome = readConfig(env)
  if (outcome.kind === 'invalid') return refuseSettings(outcome.problems, io)
  try {
    return await run(outcome.config, io, flags)
  } catch (error) {
    io.stderr.write(`${describeError(error).message}\n`)
    return FAILED
  }
}

async function run(config: ServerConfig, io: JanitorIo, flags: JanitorFlags): Promise<number> {
  const clock = systemClock
  const log = createLog('silent', { write: () => {} })
  const opened = await openStore(config.store, { bucket: config.bucket.name, log })
  const s3 = connectBucket(config, { clock })
  const isDryRun = flags.dryRun ?? false
  const tell = new JanitorReport(io, flags)
  let audit: Audit | undefined
  try {
    const trouble = await s3.bucket.check().then(
      () => undefined,
      (error: unknown) => bucketTrouble(error, config.bucket.name),
    )
    if (trouble !== undefined) {
      io.stderr.write(`${trouble}\n`)
      return FAILED
    }
    if (config.audit !== undefined && !isDryRun) {
      const [secret] = config.secrets
      audit = await openAudit(config.audit, { secret, clock, log, stdout: io.stdout })
    }
    const partway = compose(config, { store: opened.store, ...s3, clock, audit })
    const report = await partway.cleanUp({
      isDryRun,
      onUpload: (upload) => tell.upload(upload),
      onFault: ({ id }, fault) => tell.fault(id, fault),
    })
    tell.end(report, await sweepOrphans(config, { store: opened.store, s3, clock, flags }))
    return report.failed > 0 ? FAILED : OK
  } finally {
    s3.close()
    await opened.store.close()
    await audit?.close()
  }
}

interface Sweeping {
  readonly store: SessionStore
  readonly s3: S3Connection
  readonly clock: Clock
  readonly flags: JanitorFlags
}

/** `undefined` where the bucket cannot be searched: it lists multipart uploads by exact key, or to nobody. */
async function sweepOrphans(
  { keyPrefix, sessionTtlMs }: ServerConfig,
  { store, s3, clock, flags }: Sweeping,
): Promise<readonly Orphan[] | undefined> {
  const { flags: abilities, clockOffsetMs = 0 } = await s3.probe({ keyPrefix, clock })
  if (abilities.listMultipart !== 'prefix') return undefined
  const before = clock.now() + clockOffsetMs - sessionTtlMs
  const orphans = await findOrphans({ ...s3.housekeeping, store, keyPrefix, before })
  if (flags.orphans && !flags.dryRun) {
    for (const { key, multipartId } of orphans) {
      await s3.bucket.abortMultipartUpload({ key, multipartId })
    }
  }
  return orphans
}
