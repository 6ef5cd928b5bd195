import type { Clock } from '../../coordinator/ports.js'
import { describeError } from '../describe-error.js'
import type { Log } from '../logging.js'
import type { AuthConfig } from './auth-config.js'
import { Jwks } from './jwks.js'
import { TokenFile } from './token-file.js'

export interface AuthFinding {
  readonly level: 'ok' | 'less' | 'broken'
  readonly text: string
}

/** For `partway doctor`: whether callers could be told apart now. */
export async function examineAuth(
  auth: AuthConfig,
  options: { readonly clock: Pick<Clock, 'now'>; readonly log: Log },
): Promise<AuthFinding> {
  try {
    return await examined(auth, options)
  } catch (error) {
    return { level: 'broken', text: describeError(error).message }
  }
}

async function examined(
  auth: AuthConfig,
  { clock, log }: { readonly clock: Pick<Clock, 'now'>; readonly log: Log },
): Promise<AuthFinding> {
  if (auth.kind === 'none') {
    return { level: 'less', text: 'PARTWAY_AUTH is none: whoever reaches the server is one owner.' }
  }
  if (auth.kind === 'token') {
    const file = await TokenFile.open({ path: auth.file, log })
    file.close()
    return { level: 'ok', text: `The file of tokens is valid; it has ${file.size}.` }
  }
  if (auth.keys.kind === 'secret') return { level: 'ok', text: 'Tokens are checked by a secret.' }
  await new Jwks({ url: auth.keys.url, clock }).load().catch((cause: unknown) => {
    throw new Error('PARTWAY_JWT_JWKS_URL: the public keys of the issuer cannot be had', { cause })
  })
  return { level: 'ok', text: 'The public keys of the issuer are there.' }
}
