import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** Where what was installed for the user is kept. Every path below it has a version in it. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  if (env.PARTWAY_CACHE) return env.PARTWAY_CACHE
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'partway')
}

/**
 * Makes `target` from what `make` leaves at a path inside a scratch folder. It appears whole or not at
 * all: neither a killed run nor two at once can leave half of it.
 */
export async function installOnce(
  target: string,
  make: (scratch: string) => Promise<string>,
): Promise<void> {
  await mkdir(dirname(target), { recursive: true })
  const scratch = await mkdtemp(`${target}.part-`)
  try {
    await rename(await make(scratch), target)
  } catch (error) {
    // A folder cannot replace one that another run has just put there; that one is as good.
    if (!isTaken(error)) throw error
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

function isTaken(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOTEMPTY' || code === 'EEXIST'
}
