import { join } from 'node:path'
import { installOnce } from './cache.js'
import { findProgram, isExecutable } from './path.js'
import { run } from './run.js'
import type { Log } from './service.js'

export interface PythonInstallOptions {
  readonly cache: string
  readonly path: string
  readonly log: Log
}

/** A program, with what comes before its own arguments. */
export interface PythonProgram {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export interface PythonPackage {
  readonly name: string
  readonly version: string
  /** What `python -m` runs. */
  readonly module: string
}

/**
 * The module of a package for the Python on PATH: pinned, and unpacked from PyPI into the cache on first use. Rejects if
 * that cannot be had.
 */
export async function installPythonProgram(
  { name, version, module }: PythonPackage,
  { cache, path, log }: PythonInstallOptions,
): Promise<PythonProgram> {
  const python = await findProgram('python3', path)
  if (python === undefined) throw new Error(`for ${name}, Python 3.10 or later is needed on PATH`)
  // Some of what it needs is compiled for one version of Python.
  const tag = await run(python, ['-c', 'import sys; print(sys.implementation.cache_tag, end="")'])
  const folder = join(cache, `${name}-${version}-${tag}`)
  if (!(await isExecutable(folder))) {
    log(`installing ${name} ${version}`)
    await installOnce(folder, async (scratch) => {
      const target = join(scratch, 'packages')
      const quiet = ['--quiet', '--disable-pip-version-check', '--target', target]
      await run(python, ['-m', 'pip', 'install', ...quiet, `${name}==${version}`])
      return target
    })
  }
  return { command: python, args: ['-m', module], env: { PYTHONPATH: folder } }
}
