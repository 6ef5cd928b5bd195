import { readConfig } from '../../../src/server/config.js'

export const SECRET = 'a-secret-of-more-than-thirty-two-bytes'
/** Without these nothing starts. */
export const LEAST = { PARTWAY_BUCKET: 'uploads', PARTWAY_SECRET: SECRET }

export function configOf(env: Record<string, string> = {}) {
  const outcome = readConfig({ ...LEAST, ...env })
  if (outcome.kind === 'invalid') throw new Error(outcome.problems.join('\n'))
  return outcome.config
}

export function problemsOf(env: Record<string, string | undefined>): readonly string[] {
  const outcome = readConfig({ ...LEAST, ...env })
  return outcome.kind === 'invalid' ? outcome.problems : []
}
