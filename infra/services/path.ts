import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Way } from './service.js'
import { startProgram } from './start.js'

/** The program of a service that is on PATH, started on a free port. */
export function pathWay(path: string): Way {
  return {
    name: 'program on PATH',
    find: async (service) => {
      const program = await findProgram(service.program, path)
      if (program === undefined) {
        return { kind: 'unavailable', reason: `there is no ${service.program} on PATH` }
      }
      return { kind: 'found', ...(await startProgram(service, { path: program })) }
    },
  }
}

/** The first executable of that name in the folders of `path`. */
export async function findProgram(name: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    const candidate = join(folder, name)
    if (folder !== '' && (await isExecutable(candidate))) return candidate
  }
  return undefined
}

export async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
