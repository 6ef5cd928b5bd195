/** Variables whose values nobody may read anywhere. */
const SECRETS = [
  ...['PARTWAY_SECRET', 'PARTWAY_JWT_SECRET', 'PARTWAY_TOKEN'],
  ...['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'],
]
/** What shorter ones are made of may be there for another reason. */
const SHORTEST = 8

/** Of a signed URL, and of a credential as it is sent. */
const SIGNED = [/X-Amz-Signature=[0-9a-f]{8}/i, /\bBearer [\w.~+/-]{8}/]

/**
 * Which secret of `env` is in what a process has printed, or that a signed URL or a credential is; `undefined` when there
 * is none. Nothing of ours may print any, whatever happens.
 */
export function betrayed(output: string, env: NodeJS.ProcessEnv): string | undefined {
  const name = SECRETS.find((secret) =>
    (env[secret] ?? '')
      .split(',')
      .some((value) => value.length >= SHORTEST && output.includes(value)),
  )
  return name ?? SIGNED.find((pattern) => pattern.test(output))?.source
}
