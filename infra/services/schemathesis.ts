import { join } from 'node:path'
import { installOnce } from './cache.js'
import { findProgram, isExecutable } from './path.js'
import { run } from './run.js'
import type { Log } from './service.js'

const VERSION = '4.32.5'

export interface SchemathesisOptions {
  readonly cache: string
  readonly path: string
  readonly log: Log
}

/** A program, with what comes before its own arguments. */
export interface Schemathesis {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/**
 * What fuzzes an API from its OpenAPI document (https://schemathesis.readthedocs.io), for the Python on PATH: pinned,
 * and unpacked from PyPI into the cache on first use. Rejects if that cannot be had.
 */
export async function findSchemathesis({
  cache,
  path,
  log,
}: SchemathesisOptions): Promise<Schemathesis> {
  const python = await findProgram('python3', path)
  if (python === undefined)
    throw new Error('to fuzz the API, Python 3.10 or later is needed on PATH')
  // Some of what it needs is compiled for one version of Python.
  const tag = await run(python, ['-c', 'import sys; print(sys.implementation.cache_tag, end="")'])
  const folder = join(cache, `schemathesis-${VERSION}-${tag}`)
  if (!(await isExecutable(folder))) {
    log(`installing schemathesis ${VERSION}`)
    await installOnce(folder, async (scratch) => {
      const target = join(scratch, 'packages')
      const quiet = ['--quiet', '--disable-pip-version-check', '--target', target]
      await run(python, ['-m', 'pip', 'install', ...quiet, `schemathesis==${VERSION}`])
      return target
    })
  }
  return { command: python, args: ['-m', 'schemathesis.cli'], env: { PYTHONPATH: folder } }
}
