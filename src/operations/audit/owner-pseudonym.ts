import { createHmac } from 'node:crypto'

/**
 * Names an owner without saying who it is: the same for the same owner and secret. Only who has the secret can
 * tell whether a guess is right.
 */
export function ownerPseudonym(secret: string): (owner: string) => string {
  const key = createHmac('sha256', secret).update('partway audit owner 1').digest()
  return (owner) => createHmac('sha256', key).update(owner).digest('base64url')
}
