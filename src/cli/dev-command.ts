import { resolve } from 'node:path'
import type { CliIo } from './cli-io.js'

export interface DevFlags {
  readonly port: number
  readonly bucketPort?: number
  readonly dir: string
}

/** `partway dev`: everything in one process. */
export async function devCommand(flags: DevFlags, io: CliIo): Promise<number> {
  const { port, bucketPort, dir } = flags
  // Loaded here only: an upload needs neither the server nor what it loads.
  const { dev } = await import('../server/dev.js')
  const options = {
    port,
    folder: resolve(dir),
    ...(bucketPort === undefined ? {} : { bucketPort }),
  }
  return dev(options, io.env, io)
}
