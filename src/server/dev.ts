import { relative } from 'node:path'
import { type LocalBucket, startLocalBucket } from '../local-bucket/index.js'
import { readConfig, type ServerConfig } from './config.js'
import { type DevFolder, openDevFolder, sessionsIn } from './dev-folder.js'
import { keepHeapSmall } from './heap.js'
import { createLog, type Log } from './logging.js'
import { type RunningServer, startServer } from './main.js'
import { refuseSettings, type ServeIo } from './serve.js'
import type { Environment } from './settings-reader.js'
import { StartProblem } from './start-problem.js'
import { type Stoppable, untilStopped } from './until-stopped.js'

export interface DevOptions {
  /** `0` for any that is free. */
  readonly port: number
  /** @default the one after `port` */
  readonly bucketPort?: number
  /** Where everything is kept. */
  readonly folder: string
}

const BUCKET = 'uploads'
const BUCKET_HOST = '127.0.0.1'
const LAST_PORT = 65_535

/**
 * `partway dev`: the server with the page, a bucket and SQLite in one process, with nothing to install or to
 * set. Runs until a signal stops it, and resolves to the exit code. What is set in `env` and is not about
 * the bucket or the place of things holds here, too.
 */
export async function dev(options: DevOptions, env: Environment, io: ServeIo): Promise<number> {
  const outcome = readConfig(environmentOf(options, env))
  if (outcome.kind === 'invalid') return refuseSettings(outcome.problems, io)
  keepHeapSmall()
  const log = createLog(outcome.config.logLevel, io.stderr)
  for (const concern of outcome.warnings) log.warn({ event: 'config.concern', concern })
  return untilStopped(() => start({ options, config: outcome.config, log, io }), log, io)
}

interface DevParts {
  readonly options: DevOptions
  readonly config: ServerConfig
  readonly log: Log
  readonly io: ServeIo
}

async function start(parts: DevParts): Promise<Stoppable> {
  const folder = await openDevFolder(parts.options.folder)
  const bucket = await startBucket(parts, folder)
  try {
    const server = await startCoordinator(parts, { folder, bucket })
    parts.io.stdout.write(greeting({ folder, bucket, server }))
    return {
      ...(server.reopen && { reopen: server.reopen }),
      stop: async () => {
        await server.stop()
        await bucket.close()
      },
    }
  } catch (error) {
    await bucket.close()
    throw error
  }
}

async function startBucket({ options, log }: DevParts, folder: DevFolder): Promise<LocalBucket> {
  const { accessKeyId, secretAccessKey } = folder.secrets
  const port = options.bucketPort ?? portBeside(options.port)
  const option = options.bucketPort === undefined ? '--port' : '--bucket-port'
  try {
    return await startLocalBucket({
      folder: folder.bucket,
      host: BUCKET_HOST,
      port,
      credentials: { accessKeyId, secretAccessKey },
      buckets: [BUCKET],
      log: (entry) => log[entry.event === 'local-bucket.fault' ? 'error' : 'info'](entry),
    })
  } catch (error) {
    if (isBecauseOf(error, 'SQLITE_BUSY')) throw folderInUse(folder)
    throw portProblem(error, { port, option, what: 'The bucket' })
  }
}

function portBeside(port: number): number {
  if (port === 0) return 0
  return port === LAST_PORT ? port - 1 : port + 1
}

async function startCoordinator(
  { options, config, log, io }: DevParts,
  { folder, bucket }: { readonly folder: DevFolder; readonly bucket: LocalBucket },
): Promise<RunningServer> {
  const { secret, accessKeyId, secretAccessKey } = folder.secrets
  const withBucket: ServerConfig = {
    ...config,
    secrets: [secret],
    bucket: { ...config.bucket, endpoint: bucket.url },
  }
  try {
    const credentials = { accessKeyId, secretAccessKey }
    return await startServer(withBucket, { log, credentials, stdout: io.stdout })
  } catch (error) {
    throw portProblem(error, { port: options.port, option: '--port', what: 'The server' })
  }
}

/** What stands in for a value that is only known at the start. */
const LATER = { secret: 'known when the folder has been opened', endpoint: `http://${BUCKET_HOST}` }

/** The settings of `serve`, of which `dev` knows the bucket and the places by itself. */
function environmentOf({ port, folder }: DevOptions, env: Environment): Environment {
  return {
    ...env,
    PARTWAY_HOST: 'localhost',
    PARTWAY_PORT: String(port),
    PARTWAY_BUCKET: BUCKET,
    PARTWAY_S3_ENDPOINT: LATER.endpoint,
    PARTWAY_S3_REGION: '',
    PARTWAY_S3_FORCE_PATH_STYLE: 'true',
    PARTWAY_STORE: `sqlite:${sessionsIn(folder)}`,
    PARTWAY_SECRET: LATER.secret,
    PARTWAY_AUTH: 'none',
    PARTWAY_TOKENS_FILE: '',
    PARTWAY_JWT_JWKS_URL: '',
    PARTWAY_JWT_SECRET: '',
    PARTWAY_PAGE: 'true',
    PARTWAY_LOG_LEVEL: env.PARTWAY_LOG_LEVEL || 'warn',
  }
}

interface PortUse {
  readonly port: number
  /** That chooses another one. */
  readonly option: string
  readonly what: string
}

/** `error` itself, when it is about something else than the port. */
function portProblem(error: unknown, { port, option, what }: PortUse): unknown {
  const other = port < 60_000 ? port + 10 : port - 10
  if (isBecauseOf(error, 'EADDRINUSE')) {
    const advice = `Stop that one, or choose another port, such as: partway dev ${option} ${other}`
    return new StartProblem(`${what} needs port ${port}, which another program has. ${advice}`)
  }
  if (isBecauseOf(error, 'EACCES')) {
    const advice = `Choose one from 1024 on: partway dev ${option} 8010`
    return new StartProblem(`${what} may not use port ${port}. ${advice}`)
  }
  return error
}

function folderInUse(folder: DevFolder): StartProblem {
  return new StartProblem(
    `Another \`partway dev\` is running on ${folder.path}. Use or stop that one, or give this one a place of its own: partway dev --dir <folder> --port <port>`,
  )
}

/** Whether an error in the chain of causes has a code that begins so. */
function isBecauseOf(error: unknown, code: string): boolean {
  if (!(error instanceof Error)) return false
  const isIt = 'code' in error && String(error.code).startsWith(code)
  return isIt || isBecauseOf(error.cause, code)
}

interface Started {
  readonly folder: DevFolder
  readonly bucket: LocalBucket
  readonly server: RunningServer
}

function greeting({ folder, bucket, server }: Started): string {
  const near = relative('', folder.path)
  const place = near.startsWith('..') ? folder.path : near || '.'
  const init = '{"filename":"hello.txt","size":5,"checksum":"none","sign":"all"}'
  return `
Partway is ready, for development.

  Page     ${server.url}
  API      ${server.url}/docs
  Bucket   ${bucket.url}/${BUCKET}, embedded; all of it is kept in ${place}

  partway upload FILE --server ${server.url}
  curl -sS ${server.url}/upload/init -H 'content-type: application/json' -d '${init}'

For development only: there is no login, and the bucket is one process on one disk.
Ctrl-C stops it. Uploads that are under way go on after the next start.
`
}
