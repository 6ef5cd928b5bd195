import { type GoInstallOptions, installGoProgram } from './install-go.js'
import { findProgram } from './path.js'
import { run } from './run.js'

const MC_MODULE = 'github.com/minio/mc@v0.0.0-20250313080218-cf909e1063a9'

/** MinIO's admin client: the one on PATH, or built from source into the cache. Rejects if neither. */
export async function findMc(options: GoInstallOptions): Promise<string> {
  const onPath = await findProgram('mc', options.path)
  // Midnight Commander has the same name.
  if (onPath !== undefined && /^mc version/.test(await run(onPath, ['--version']))) return onPath
  return installGoProgram(MC_MODULE, options)
}
