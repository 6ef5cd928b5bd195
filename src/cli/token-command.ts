import { PartwayError } from '../client/partway-error.js'
import type { CliIo } from './cli-io.js'
import { OK } from './exit-codes.js'

/**
 * `partway token`: the line for the file of tokens goes to stdout, and the token itself, which is kept nowhere, to
 * stderr. Throws `INVALID_OPTION`.
 */
export async function tokenCommand(owner: string, io: CliIo): Promise<number> {
  // Loaded here only, as all of the server is.
  const { newToken, ownerRule } = await import('../server/auth/token-lines.js')
  const rule = ownerRule(owner)
  if (rule !== undefined) throw new PartwayError('INVALID_OPTION', `The owner ${rule}`)
  const { token, line } = newToken(owner)
  io.stdout.write(`${line}\n`)
  io.stderr.write(`${token}\n`)
  return OK
}
