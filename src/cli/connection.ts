import { readFile, stat } from 'node:fs/promises'
import { PartwayError } from '../client/partway-error.js'
import { serverUrl } from '../client/server-url.js'
import type { CliIo } from './cli-io.js'

const DEFAULT_SERVER = 'http://127.0.0.1:8000'

export interface ConnectionFlags {
  readonly server?: string
  readonly tokenFile?: string
}

export interface Connection {
  readonly server: string
  readonly token?: string
}

/**
 * Where the server is and how to show oneself to it. A token comes from a file or the environment, never
 * from the command line, which every user of the machine can read. Throws `INVALID_OPTION`.
 */
export async function connectionOf(
  { server, tokenFile }: ConnectionFlags,
  { env, stderr }: Pick<CliIo, 'env' | 'stderr'>,
): Promise<Connection> {
  const warn = (text: string) => stderr.write(`${text}\n`)
  const address = serverUrl(server ?? nonEmpty(env.PARTWAY_SERVER) ?? DEFAULT_SERVER)
  const token =
    tokenFile === undefined ? nonEmpty(env.PARTWAY_TOKEN) : await readToken(tokenFile, warn)
  if (token === undefined) return { server: address }
  // RFC 6750 section 2.1; anything else would also be a way to forge a header.
  if (/^[A-Za-z0-9\-._~+/]+=*$/.test(token)) return { server: address, token }
  const source = tokenFile === undefined ? 'PARTWAY_TOKEN' : `The token file ${tokenFile}`
  throw new PartwayError('INVALID_OPTION', `${source} does not hold one bearer token`)
}

async function readToken(path: string, warn: (text: string) => void): Promise<string> {
  try {
    const { mode } = await stat(path)
    if ((mode & 0o077) !== 0) {
      warn(`Warning: others can read the token file ${path}; run: chmod 600 ${path}`)
    }
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    throw new PartwayError('INVALID_OPTION', `The token file ${path} cannot be read`, { cause })
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}
