import { Webhook } from 'standardwebhooks'

export interface SignedMessage {
  /** The same whenever the same message is sent again. */
  readonly id: string
  /** When it is sent, in ms since the epoch: receivers refuse what is old. */
  readonly timestamp: number
  readonly body: string
}

/**
 * The headers of https://www.standardwebhooks.com, with a signature by each secret: while a secret is being replaced
 * a receiver may know either. Throws for secrets of which {@link signingSecretProblem} complains.
 */
export function signMessage(
  secrets: readonly string[],
  { id, timestamp, body }: SignedMessage,
): Record<string, string> {
  if (secrets.length === 0) throw new TypeError('a message needs a secret to be signed')
  const when = new Date(timestamp)
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(timestamp / 1_000)),
    'webhook-signature': secrets
      .map((secret) => new Webhook(secret).sign(id, when, body))
      .join(' '),
  }
}

/** The specification has 24 to 64 bytes. */
const BASE64 = /^(whsec_)?(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** What is wrong with a secret, as the end of a sentence that does not tell it. */
export function signingSecretProblem(secret: string): string | undefined {
  const bytes = BASE64.test(secret)
    ? Buffer.from(secret.replace(/^whsec_/, ''), 'base64').length
    : 0
  if (bytes >= 24 && bytes <= 64) return undefined
  return 'must be the base64 of 24 to 64 random bytes, with or without "whsec_" before it, such as `openssl rand -base64 32` prints'
}
