import { basename, join } from 'node:path'
import { installOnce } from './cache.js'
import { findProgram, isExecutable } from './path.js'
import { run } from './run.js'
import type { Log } from './service.js'

export interface GoInstallOptions {
  readonly cache: string
  readonly path: string
  readonly log: Log
}

/**
 * The program of a Go module, built from source on first use and kept in the cache. The module is
 * pinned, and Go's checksum database vouches for it.
 */
export async function installGoProgram(
  pinned: string,
  { cache, path, log }: GoInstallOptions,
): Promise<string> {
  const [module = '', version = ''] = pinned.split('@')
  const name = basename(module)
  const target = join(cache, `${name}-${version}`, name)
  if (await isExecutable(target)) return target
  const go = await findProgram('go', path)
  if (go === undefined) {
    throw new Error(`to build ${name} from source, Go is needed on PATH (https://go.dev/dl)`)
  }
  log(`building ${name} ${version} from source; the first time this takes minutes`)
  await installOnce(target, async (scratch) => {
    await run(go, ['install', pinned], { env: { GOBIN: scratch, CGO_ENABLED: '0' } })
    return join(scratch, name)
  })
  return target
}
