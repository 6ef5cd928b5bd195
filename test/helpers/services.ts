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

declare module 'vitest' {
  export interface ProvidedContext {
    redisUrl: string
    minioUrl: string
    versitygwUrl: string
    mcProgram: string
  }
}
