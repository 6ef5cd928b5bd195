import type { TestProject } from 'vitest/node'
import { cacheFolder } from '../../infra/services/cache.js'
import { findServices } from '../../infra/services/find-services.js'
import {
  findPackaged,
  NGINX,
  type Package,
  type PackageOptions,
  REDIS,
} from '../../infra/services/install-package.js'
import { findMc } from '../../infra/services/mc.js'
import { type Missing, missingNotice } from '../../infra/services/report.js'
import { SERVICE_NAMES } from '../../infra/services/service.js'
import type { Program } from '../../infra/services/start.js'

const log = (line: string) => console.error(`[services] ${line}`)

/** Finds or starts the real services once for the whole run. What it returns is the tear-down. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [services, mc] = await Promise.all([
    findServices({ want: SERVICE_NAMES, log }),
    mcOrMissing(),
  ])
  // After that, because what has been unpacked for the service is found in the cache.
  const redis = await packagedOrMissing(REDIS, 'redis-server')
  const nginx = await packagedOrMissing(NGINX, 'nginx')
  const { urls, stop } = services
  const missing = [services, mc, redis, nginx].flatMap((one) => one.missing)
  if (missing.length > 0) {
    console.error(missingNotice(missing))
    if (isCi(process.env.CI)) {
      await stop()
      throw new Error('CI is set, so that nothing goes untested unnoticed: see the notice above')
    }
  }
  project.provide('redisUrl', urls.redis ?? '')
  project.provide('minioUrl', urls.minio ?? '')
  project.provide('versitygwUrl', urls.versitygw ?? '')
  project.provide('mcProgram', mc.program)
  project.provide('redisProgram', redis.program)
  project.provide('nginxProgram', nginx.program)
  return stop
}

async function mcOrMissing(): Promise<{ program: string; missing: Missing[] }> {
  const { env } = process
  try {
    const program = await findMc({ cache: cacheFolder(env), path: env.PATH ?? '', log })
    return { program, missing: [] }
  } catch (error) {
    const attempts = [{ way: 'installation', reason: String(error) }]
    const advice = "Put mc, MinIO's client, on PATH"
    return { program: '', missing: [{ title: 'mc', attempts, advice }] }
  }
}

async function packagedOrMissing(
  wanted: Package,
  title: string,
): Promise<{ program: Program | null; missing: Missing[] }> {
  const { env } = process
  const isRoot = process.getuid?.() === 0
  const options: PackageOptions = { cache: cacheFolder(env), path: env.PATH ?? '', isRoot, log }
  try {
    return { program: await findPackaged(wanted, options), missing: [] }
  } catch (error) {
    const attempts = [{ way: 'PATH and installation', reason: String(error) }]
    return { program: null, missing: [{ title, attempts, advice: `Put ${title} on PATH` }] }
  }
}

function isCi(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false'].includes(value)
}
