import type { Request } from 'express'
import type { Caller } from '../../coordinator/partway.js'
import type { Clock } from '../../coordinator/ports.js'
import { UploadError } from '../../coordinator/upload-error.js'
import type { Access } from '../../http/access.js'
import type { Log } from '../logging.js'
import type { AuthConfig, JwtConfig } from './auth-config.js'
import { bearerToken } from './bearer-token.js'
import { Jwks } from './jwks.js'
import { JwtVerifier, type JwtVerifierOptions } from './jwt-verifier.js'
import { KeysUnavailable } from './keys-unavailable.js'
import { TokenFile } from './token-file.js'

export interface Authenticator {
  readonly access: Access
  close(): void
}

export interface AuthenticatorOptions {
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}

type CallerOfToken = (token: string) => Promise<Caller | undefined>

/** A client that found the issuer away may try again then; nobody asks the issuer sooner. */
const RETRY_AFTER_MS = 10_000

/** Rejects with a `StartProblem` when the file of tokens is missing or not valid. */
export async function openAuthenticator(
  auth: AuthConfig,
  options: AuthenticatorOptions,
): Promise<Authenticator> {
  switch (auth.kind) {
    case 'none':
      return { access: { allowAnonymous: true }, close: () => {} }
    case 'token': {
      const file = await TokenFile.open({ path: auth.file, log: options.log })
      const callerOf: CallerOfToken = async (token) => {
        const owner = file.ownerOf(token)
        return owner === undefined ? undefined : { owner }
      }
      return { access: bearerAccess(callerOf), close: () => file.close() }
    }
    case 'jwt':
      return { access: bearerAccess(jwtCaller(auth, options)), close: () => {} }
  }
}

function bearerAccess(callerOf: CallerOfToken): Access {
  return {
    authenticate: async (req: Request) => {
      const token = bearerToken(req.get('Authorization'))
      return token === undefined ? undefined : await callerOf(token)
    },
  }
}

function jwtCaller(auth: JwtConfig, { clock, log }: AuthenticatorOptions): CallerOfToken {
  const { keys, ...rules } = auth
  const verifier = new JwtVerifier({ ...rules, clock, keys: verificationKeys(keys, clock) })
  return async (token) => {
    const outcome = await verifier.verify(token).catch((cause: unknown) => {
      if (!(cause instanceof KeysUnavailable)) throw cause
      const words = 'The keys of tokens cannot be had now; try again.'
      throw new UploadError('AUTH_UNAVAILABLE', words, { cause, retryAfterMs: RETRY_AFTER_MS })
    })
    if (outcome.kind === 'known') return outcome.caller
    log.debug({ event: 'auth.refused', reason: outcome.reason })
    return undefined
  }
}

function verificationKeys(
  keys: JwtConfig['keys'],
  clock: Pick<Clock, 'now'>,
): JwtVerifierOptions['keys'] {
  if (keys.kind === 'secret') return keys.secrets.map((secret) => Buffer.from(secret, 'utf8'))
  const jwks = new Jwks({ url: keys.url, clock })
  return (header, token) => jwks.keyOf(header, token)
}
