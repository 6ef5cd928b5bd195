import { ownerPseudonym } from '../../operations/index.js'
import { readConfig } from '../config.js'
import type { Environment } from '../settings-reader.js'

/** How an owner is written in the audit log, one name for each secret; or what is wrong with the settings. */
export function ownerNames(
  owner: string,
  env: Environment,
): { readonly names: readonly string[] } | { readonly problems: readonly string[] } {
  const outcome = readConfig(env)
  if (outcome.kind === 'invalid') return { problems: outcome.problems }
  return { names: outcome.config.secrets.map((secret) => ownerPseudonym(secret)(owner)) }
}
