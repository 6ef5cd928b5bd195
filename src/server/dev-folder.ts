import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StartProblem } from './start-problem.js'

/** Where `partway dev` keeps everything, and what it made up for itself at its first start. */
export interface DevFolder {
  readonly path: string
  readonly bucket: string
  readonly secrets: DevSecrets
}

export interface DevSecrets {
  /** `PARTWAY_SECRET` */
  readonly secret: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

const SECRETS = 'dev-secrets.json'

/** Makes the folder, with secrets that only this user can read, or finds those of an earlier start. */
export async function openDevFolder(path: string): Promise<DevFolder> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    // So that nobody commits the secrets, or the objects, by accident.
    await writeFile(join(path, '.gitignore'), '*\n')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StartProblem(`The folder ${path} cannot be used: ${reason}`, { cause })
  }
  return { path, bucket: join(path, 'bucket'), secrets: await secretsIn(join(path, SECRETS)) }
}

/** The file of the sessions. */
export function sessionsIn(folder: string): string {
  return join(folder, 'sessions.db')
}

async function secretsIn(path: string): Promise<DevSecrets> {
  const text = await readFile(path, 'utf8').catch(unlessMissing)
  if (text !== undefined) return parseSecrets(text, path)
  await writeOnce(path, `${JSON.stringify(newSecrets(), undefined, 2)}\n`)
  return parseSecrets(await readFile(path, 'utf8'), path)
}

/** Written in whole or not at all, and never over what another process has just written. */
async function writeOnce(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, text, { mode: 0o600, flag: 'wx' })
  try {
    await link(draft, path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    await rm(draft)
  }
}

function newSecrets(): DevSecrets {
  return {
    secret: randomBytes(48).toString('base64'),
    accessKeyId: `dev${randomBytes(8).toString('hex')}`,
    secretAccessKey: randomBytes(30).toString('base64url'),
  }
}

function parseSecrets(text: string, path: string): DevSecrets {
  try {
    const { secret, accessKeyId, secretAccessKey }: Partial<Record<string, unknown>> =
      JSON.parse(text)
    if ([secret, accessKeyId, secretAccessKey].every((value) => typeof value === 'string')) {
      return {
        secret: String(secret),
        accessKeyId: String(accessKeyId),
        secretAccessKey: String(secretAccessKey),
      }
    }
  } catch {
    // Told below, in the same words.
  }
  throw new StartProblem(`${path} is damaged. Remove it; uploads that are under way begin anew.`)
}

function unlessMissing(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
