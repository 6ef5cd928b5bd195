import { cacheFolder } from './cache.js'
import { CATALOGUE } from './catalogue.js'
import { type Discovery, discover } from './discover.js'
import { dockerWay } from './docker.js'
import { environmentWay } from './environment.js'
import { installWay } from './install.js'
import { pathWay } from './path.js'
import type { Missing } from './report.js'
import type { FoundService, Log, ServiceName, Way } from './service.js'

export interface FindServicesOptions {
  readonly want: readonly ServiceName[]
  readonly log: Log
  /** @default environment variable, Docker, program on PATH, installation */
  readonly ways?: readonly Way[]
}

export interface Services {
  /** The URL of each service that was found; a bucket server's carries its credentials. */
  readonly urls: Readonly<Partial<Record<ServiceName, string>>>
  readonly missing: readonly Missing[]
  /** Stops what was started, and nothing else. */
  stop(): Promise<void>
}

/**
 * Finds or starts the wanted services, all at once. When one of them throws (a wrong setting), what
 * was started for the others is stopped first.
 */
export async function findServices(options: FindServicesOptions): Promise<Services> {
  const ways = options.ways ?? defaultWays(options.log)
  const settled = await Promise.allSettled(
    options.want.map((name) => discover(CATALOGUE[name], ways, options.log)),
  )
  const discoveries = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const found = discoveries.filter((one) => one.kind === 'found')
  const failed = settled.find((one) => one.status === 'rejected')
  if (failed !== undefined) {
    await stopAll(found.map((one) => one.found))
    throw failed.reason
  }
  return {
    urls: Object.fromEntries(found.map(({ service, found }) => [service.name, found.url])),
    missing: discoveries.flatMap(missingOf),
    stop: () => stopAll(found.map((one) => one.found)),
  }
}

export function defaultWays(log: Log): Way[] {
  const { env } = process
  const path = env.PATH ?? ''
  const isRoot = process.getuid?.() === 0
  return [
    environmentWay(env),
    dockerWay(env),
    pathWay(path),
    installWay({ cache: cacheFolder(env), path, isRoot, log }),
  ]
}

function missingOf(one: Discovery): Missing[] {
  if (one.kind === 'found') return []
  const { title, variable } = one.service
  const advice = `Set ${variable} to the URL of one that runs already`
  return [{ title, attempts: one.attempts, advice }]
}

async function stopAll(services: readonly FoundService[]): Promise<void> {
  await Promise.allSettled(services.map((service) => service.stop()))
}
