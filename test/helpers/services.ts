import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'

/**
 * The real services that `services.setup.ts` found or started for this run. Empty when there is none;
 * the set-up says so loudly, and fails the run when `CI` is set, so nothing goes untested unnoticed.
 * The URL of a bucket server carries its credentials: `http://<access key>:<secret key>@host:port`.
 */
export const redisUrl = (): string => inject('redisUrl')
export const minioUrl = (): string => inject('minioUrl')
export const versitygwUrl = (): string => inject('versitygwUrl')
/** The path of `mc`, MinIO's client. */
export const mcProgram = (): string => inject('mcProgram')

/**
 * The same Redis, with keys of one's own. A server takes up whatever is due in its store, so servers of another
 * bucket must not have the same one.
 */
export function ownRedisUrl(): string {
  const url = new URL(redisUrl())
  url.searchParams.set('keyPrefix', `test:${randomUUID()}:`)
  return url.href
}

declare module 'vitest' {
  export interface ProvidedContext {
    redisUrl: string
    minioUrl: string
    versitygwUrl: string
    mcProgram: string
  }
}
