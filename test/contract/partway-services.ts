import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import { connectS3 } from '../../src/bucket/index.js'
import type { SessionStore } from '../../src/coordinator/ports.js'
import { createTestBucket } from '../helpers/s3-fixture.js'
import type { PartwayServices } from './partway-driver.js'

/** A bucket of its own on a real server, with the given store. */
export async function openServices(
  bucketUrl: string,
  openStore: () => Promise<SessionStore>,
): Promise<PartwayServices> {
  const [fixture, store] = await Promise.all([createTestBucket(bucketUrl), openStore()])
  const connection = connectS3(fixture)
  return {
    store,
    bucket: connection.bucket,
    signer: connection.signer,
    deleteObject: async (key) => {
      await fixture.client.send(new DeleteObjectCommand({ Bucket: fixture.bucket, Key: key }))
    },
    close: async () => {
      await store.close()
      connection.close()
      await fixture.remove()
    },
  }
}
