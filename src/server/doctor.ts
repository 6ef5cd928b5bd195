import { systemClock } from '../coordinator/create-partway.js'
import type { Clock } from '../coordinator/ports.js'
import { examineAudit } from './audit/examine-audit.js'
import { examineAuth } from './auth/examine-auth.js'
import { readConfig, type ServerConfig } from './config.js'
import { describeError } from './describe-error.js'
import { type ExamineBucketOptions, examineBucket } from './examine-bucket.js'
import { examineLimits } from './examine-limits.js'
import { createLog } from './logging.js'
import type { Environment } from './settings-reader.js'
import { openStore } from './store.js'

/** One thing that was looked at, in plain words. */
export interface Diagnosis {
  readonly about: 'settings' | 'auth' | 'limits' | 'audit' | 'bucket' | 'browsers' | 'store'
  /** `less`: it works, but something is not to be had. `broken`: uploads do not work. */
  readonly level: 'ok' | 'less' | 'broken' | 'unknown'
  readonly text: string
}

export interface DoctorIo {
  readonly stdout: { write(text: string): unknown }
}

export interface DoctorOptions {
  readonly json?: boolean
  /** Of pages that are to upload. @default those of `PARTWAY_CORS_ORIGINS` */
  readonly origin?: readonly string[]
  /** @default the system's clock */
  readonly clock?: Pick<Clock, 'now'>
}

const OK = 0
const BROKEN = 1
const MISCONFIGURED = 2

/**
 * `partway doctor`: asks the settings, the bucket and the store, as `serve` would use them, and says what
 * is right and what is not. What it tries at the bucket it takes away again, see `probeBucket`.
 */
export async function doctor(
  env: Environment,
  io: DoctorIo,
  { json = false, origin, clock = systemClock }: DoctorOptions = {},
): Promise<number> {
  const outcome = readConfig(env)
  if (outcome.kind === 'invalid') {
    tell(
      io,
      json,
      outcome.problems.map((text) => ({ about: 'settings', level: 'broken', text })),
    )
    return MISCONFIGURED
  }
  const { config, warnings } = outcome
  const concerns: Diagnosis[] = warnings.map((text) => ({ about: 'settings', level: 'less', text }))
  const settings: Diagnosis = { about: 'settings', level: 'ok', text: 'The settings are valid.' }
  const examined = await Promise.all([
    examineCallers(config),
    examineDecisions(config),
    examineStorage(config, { clock, origins: origin ?? config.corsOrigins }),
    examineStore(config),
  ])
  const limits = examineLimits(config).map((one): Diagnosis => ({ about: 'limits', ...one }))
  const diagnoses = [settings, ...concerns, ...limits, ...examined.flat()]
  tell(io, json, diagnoses)
  return diagnoses.some(({ level }) => level === 'broken') ? BROKEN : OK
}

async function examineCallers({ auth }: ServerConfig): Promise<Diagnosis[]> {
  const log = createLog('silent', { write: () => {} })
  return [{ about: 'auth', ...(await examineAuth(auth, { clock: systemClock, log })) }]
}

async function examineDecisions({ audit }: ServerConfig): Promise<Diagnosis[]> {
  if (audit !== undefined) return [{ about: 'audit', ...(await examineAudit(audit)) }]
  const text = 'Decisions are recorded nowhere: PARTWAY_AUDIT is not set.'
  return [{ about: 'audit', level: 'less', text }]
}

async function examineStorage(
  config: ServerConfig,
  options: ExamineBucketOptions,
): Promise<Diagnosis[]> {
  const { bucket, browsers } = await examineBucket(config, options)
  return [
    ...bucket.map((finding): Diagnosis => ({ about: 'bucket', ...finding })),
    ...browsers.map((finding): Diagnosis => ({ about: 'browsers', ...finding })),
  ]
}

async function examineStore({ store: config, bucket }: ServerConfig): Promise<Diagnosis[]> {
  const log = createLog('silent', { write: () => {} })
  try {
    const { store, concerns, facts } = await openStore(config, { bucket: bucket.name, log })
    try {
      await store.check()
      const found = (await concerns()).map(
        (text): Diagnosis => ({ about: 'store', level: 'less', text }),
      )
      const text = `The store (${config.kind}) answers.`
      const known = (await facts()).map(
        (fact): Diagnosis => ({ about: 'store', level: 'ok', text: fact }),
      )
      return [{ about: 'store', level: 'ok', text }, ...known, ...found]
    } finally {
      await store.close()
    }
  } catch (error) {
    const text = `The store (${config.kind}) does not answer: ${describeError(error).message}`
    return [{ about: 'store', level: 'broken', text }]
  }
}

function tell(io: DoctorIo, json: boolean, diagnoses: readonly Diagnosis[]): void {
  if (json) {
    io.stdout.write(`${JSON.stringify({ diagnoses })}\n`)
    return
  }
  for (const { about, level, text } of diagnoses) {
    io.stdout.write(`${about.padEnd(9)} ${level.padEnd(8)} ${text}\n`)
  }
}
