import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type LocalBucket,
  type LocalBucketOptions,
  startLocalBucket,
} from '../../src/local-bucket/index.js'

export const LOCAL_CREDENTIALS = { accessKeyId: 'partway', secretAccessKey: 'partway-secret' }

export interface TestLocalBucket extends LocalBucket {
  readonly folder: string
  /** With the credentials, as the other services' URLs are given. */
  readonly serviceUrl: string
  /** Stops it, and removes its folder. */
  remove(): Promise<void>
}

/** An embedded bucket in a folder of its own. */
export async function startTestLocalBucket(
  options: Partial<LocalBucketOptions> = {},
): Promise<TestLocalBucket> {
  const folder = await mkdtemp(join(tmpdir(), 'partway-local-bucket-'))
  const server = await startLocalBucket({ folder, credentials: LOCAL_CREDENTIALS, ...options })
  return {
    ...server,
    folder,
    serviceUrl: serviceUrlOf(server.url),
    remove: async () => {
      await server.close()
      await rm(folder, { recursive: true })
    },
  }
}

export function serviceUrlOf(url: string): string {
  const { accessKeyId, secretAccessKey } = LOCAL_CREDENTIALS
  return url.replace('//', `//${accessKeyId}:${secretAccessKey}@`)
}
