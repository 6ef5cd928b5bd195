import { existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { installOnce } from './cache.js'
import { findProgram, isExecutable } from './path.js'
import { run } from './run.js'
import type { Log } from './service.js'
import type { Program } from './start.js'

/** A package of Debian, for one program in it. */
export interface Package {
  readonly name: string
  /** What its folders in the cache begin with, before the version. */
  readonly folder: string
  readonly program: string
  /** Packages that may be installed already, so that apt would not name them. */
  readonly needs: readonly string[]
}

export interface PackageOptions {
  readonly cache: string
  readonly path: string
  readonly isRoot: boolean
  readonly log: Log
}

export const REDIS: Package = {
  name: 'redis-server',
  folder: 'redis',
  program: 'usr/bin/redis-server',
  // The program itself is in there.
  needs: ['redis-tools'],
}

export const NGINX: Package = {
  name: 'nginx',
  folder: 'nginx',
  program: 'usr/sbin/nginx',
  needs: [],
}

/**
 * A program from Debian's package, with the libraries that this machine lacks: unpacked into the cache and
 * not installed, so that it needs no root, starts no daemon and leaves the system as it was.
 */
export async function installPackage(wanted: Package, options: PackageOptions): Promise<Program> {
  const { cache, path, isRoot, log } = options
  if ((await findProgram('apt-get', path)) === undefined) {
    throw new Error(`install ${wanted.name} with the package manager of this system`)
  }
  // A fresh container has no package lists yet.
  if (isRoot) await run('apt-get', ['update'])
  const packages = plannedPackages(await run('apt-get', ['--simulate', 'install', wanted.name]))
  const version = packages.get(wanted.name)
  if (version === undefined) throw new Error(`apt-get offers no ${wanted.name}`)
  const target = join(cache, `${wanted.folder}-${version.replace(/[^\w.-]/g, '_')}`)
  if (!(await isExecutable(join(target, wanted.program)))) {
    log(`unpacking the package ${wanted.name} ${version}`)
    const names = new Set([...packages.keys(), ...wanted.needs])
    await installOnce(target, (scratch) => unpackInto(scratch, [...names]))
  }
  return await programIn(target, wanted)
}

/** The program on PATH, or the one that was unpacked before, or {@link installPackage}. */
export async function findPackaged(wanted: Package, options: PackageOptions): Promise<Program> {
  const name = wanted.program.slice(wanted.program.lastIndexOf('/') + 1)
  // Where servers are, which is not on the PATH of everybody.
  const onPath = await findProgram(name, `${options.path}:/usr/sbin:/usr/local/sbin`)
  if (onPath !== undefined) return { path: onPath }
  const folders = existsSync(options.cache) ? await readdir(options.cache) : []
  for (const folder of folders) {
    const isUnpacked = folder.startsWith(`${wanted.folder}-`) && !folder.includes('.part-')
    const target = join(options.cache, folder)
    if (isUnpacked && (await isExecutable(join(target, wanted.program)))) {
      return await programIn(target, wanted)
    }
  }
  return await installPackage(wanted, options)
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

async function programIn(target: string, { program }: Package): Promise<Program> {
  const env = { LD_LIBRARY_PATH: (await libraryFolders(target)).join(':') }
  return { path: join(target, program), env }
}

/** None where the machine has every library already, so that only the program was unpacked. */
async function libraryFolders(root: string): Promise<string[]> {
  const folder = join(root, 'usr/lib')
  if (!existsSync(folder)) return []
  const names = await readdir(folder)
  return [folder, ...names.filter((name) => name.includes('-linux-')).map((n) => join(folder, n))]
}
