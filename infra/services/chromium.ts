import type { Attempt } from './discover.js'
import { findProgram, isExecutable } from './path.js'
import { run } from './run.js'
import { type Log, WrongSettingError } from './service.js'

const VARIABLE = 'PARTWAY_TEST_CHROMIUM'
const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const PACKAGE = 'chromium'

export interface FindChromiumOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly isRoot: boolean
  readonly log: Log
}

export type FoundChromium =
  | { readonly kind: 'found'; readonly program: string }
  | { readonly kind: 'missing'; readonly attempts: readonly Attempt[]; readonly advice: string }

/** The browser that tests drive: the one that a variable names, one on PATH, or Debian's package. */
export async function findChromium(options: FindChromiumOptions): Promise<FoundChromium> {
  const { env, isRoot, log } = options
  const named = env[VARIABLE] ?? ''
  if (named !== '') {
    if (await isExecutable(named)) return { kind: 'found', program: named }
    throw new WrongSettingError(`${VARIABLE} is set, but is no program`)
  }
  const path = env.PATH ?? ''
  const onPath = await firstOnPath(path)
  if (onPath !== undefined) return { kind: 'found', program: onPath }
  const reason = await installed(path, isRoot, log)
  const program = await firstOnPath(path)
  if (program !== undefined) return { kind: 'found', program }
  return {
    kind: 'missing',
    attempts: [
      { way: 'environment variable', reason: `${VARIABLE} is not set` },
      { way: 'program on PATH', reason: `there is none of ${PROGRAMS.join(', ')}` },
      { way: 'installation', reason },
    ],
    advice: `Set ${VARIABLE} to the path of a Chromium`,
  }
}

async function firstOnPath(path: string): Promise<string | undefined> {
  for (const name of PROGRAMS) {
    const program = await findProgram(name, path)
    if (program !== undefined) return program
  }
  return undefined
}

/** Why nothing came of it, if nothing did. */
async function installed(path: string, isRoot: boolean, log: Log): Promise<string> {
  if ((await findProgram('apt-get', path)) === undefined) return 'this system has no apt-get'
  if (!isRoot) return 'only root may install the package'
  try {
    log(`installing the package ${PACKAGE}`)
    await run('apt-get', ['update'])
    await run('apt-get', ['install', '--yes', '--no-install-recommends', PACKAGE])
    return 'the package has no program of these names'
  } catch (error) {
    return String(error)
  }
}
