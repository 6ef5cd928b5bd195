import { bucketTrouble, connectS3 } from '../bucket/index.js'
import { systemClock } from '../coordinator/create-partway.js'
import { readConfig, type ServerConfig } from './config.js'
import { describeError } from './describe-error.js'
import { createLog } from './logging.js'
import type { Environment } from './settings-reader.js'
import { openStore } from './store.js'

/** One thing that was looked at, in plain words. */
export interface Diagnosis {
  readonly about: 'settings' | 'bucket' | 'store'
  /** `less`: it works, but something is not to be had. `broken`: uploads do not work. */
  readonly level: 'ok' | 'less' | 'broken' | 'unknown'
  readonly text: string
}

export interface DoctorIo {
  readonly stdout: { write(text: string): unknown }
}

export interface DoctorOptions {
  readonly json?: boolean
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
  { json = false }: DoctorOptions = {},
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
  const examined = await Promise.all([examineBucket(config), examineStore(config)])
  const diagnoses = [settings, ...concerns, ...examined.flat()]
  tell(io, json, diagnoses)
  return diagnoses.some(({ level }) => level === 'broken') ? BROKEN : OK
}

async function examineBucket(config: ServerConfig): Promise<Diagnosis[]> {
  const { name, ...options } = config.bucket
  const s3 = connectS3({ bucket: name, ...options, clock: systemClock })
  try {
    await s3.bucket.check()
    const { keyPrefix } = config
    const { findings } = await s3.probe({ keyPrefix, clock: systemClock })
    return findings.map((finding) => ({ about: 'bucket', ...finding }))
  } catch (error) {
    return [{ about: 'bucket', level: 'broken', text: bucketTrouble(error, name) }]
  } finally {
    s3.close()
  }
}

async function examineStore({ store: config, bucket }: ServerConfig): Promise<Diagnosis[]> {
  const log = createLog('silent', { write: () => {} })
  try {
    const { store, concerns } = await openStore(config, { bucket: bucket.name, log })
    try {
      await store.check()
      const found = (await concerns()).map(
        (text): Diagnosis => ({ about: 'store', level: 'less', text }),
      )
      const text = `The store (${config.kind}) answers.`
      return [{ about: 'store', level: 'ok', text }, ...found]
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
