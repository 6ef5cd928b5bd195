import { PartwayError } from '../client/partway-error.js'
import type { CliIo } from './cli-io.js'

/** `partway webhooks list`. */
export async function webhooksListCommand(
  flags: { readonly json?: boolean },
  io: CliIo,
): Promise<number> {
  // Loaded here only, as all of the server is.
  const { listDead } = await import('../server/webhooks/dead-webhooks.js')
  return listDead(io.env, io, flags)
}

/** `partway webhooks retry`. */
export async function webhooksRetryCommand(
  ids: readonly string[],
  { all = false }: { readonly all?: boolean },
  io: CliIo,
): Promise<number> {
  if (all === ids.length > 0) {
    throw new PartwayError('INVALID_OPTION', 'name the webhooks to try again, or give --all alone')
  }
  const { retryDead } = await import('../server/webhooks/dead-webhooks.js')
  return retryDead(io.env, io, { ids, all })
}
