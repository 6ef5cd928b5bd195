import { existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { installOnce } from './cache.js'
import { findProgram, isExecutable } from './path.js'
import { run } from './run.js'
import type { Log } from './service.js'
import type { Program } from './start.js'

export interface RedisInstallOptions {
  readonly cache: string
  readonly path: string
  readonly isRoot: boolean
  readonly log: Log
}

/**
 * Redis from Debian's package, with the libraries that this machine lacks: unpacked into the cache and
 * not installed, so that it needs no root, starts no daemon and leaves the system as it was.
 */
export async function installRedis(options: RedisInstallOptions): Promise<Program> {
  const { cache, path, isRoot, log } = options
  if ((await findProgram('apt-get', path)) === undefined) {
    throw new Error('install redis-server with the package manager of this system')
  }
  // A fresh container has no package lists yet.
  if (isRoot) await run('apt-get', ['update'])
  const packages = plannedPackages(await run('apt-get', ['--simulate', 'install', 'redis-server']))
  const version = packages.get('redis-server')
  if (version === undefined) throw new Error('apt-get offers no redis-server')
  const target = join(cache, `redis-${version.replace(/[^\w.-]/g, '_')}`)
  const program = join(target, 'usr/bin/redis-server')
  if (!(await isExecutable(program))) {
    log(`unpacking the package redis-server ${version}`)
    // The program itself is in redis-tools, which may be installed already and so not in the plan.
    const names = new Set(packages.keys()).add('redis-tools')
    await installOnce(target, (scratch) => unpackInto(scratch, [...names]))
  }
  return { path: program, env: { LD_LIBRARY_PATH: (await libraryFolders(target)).join(':') } }
}

/** Name and version of each package that `apt-get --simulate install` would install. */
export function plannedPackages(plan: string): Map<string, string> {
  const lines = plan.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+)/gm)
  return new Map(Array.from(lines, ([, name = '', version = '']) => [name, version]))
}

async function unpackInto(scratch: string, packages: readonly string[]): Promise<string> {
  const root = join(scratch, 'root')
  await mkdir(root)
  await run('apt-get', ['download', ...packages], { cwd: scratch })
  for (const file of await readdir(scratch)) {
    if (file.endsWith('.deb')) await run('dpkg', ['-x', join(scratch, file), root])
  }
  return root
}

/** None where the machine has every library already, so that only the program was unpacked. */
async function libraryFolders(root: string): Promise<string[]> {
  const folder = join(root, 'usr/lib')
  if (!existsSync(folder)) return []
  const names = await readdir(folder)
  return [folder, ...names.filter((name) => name.includes('-linux-')).map((n) => join(folder, n))]
}
