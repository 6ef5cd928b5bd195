import { DeleteObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import { connectS3 } from '../../src/bucket/index.js'
import type { SessionStore } from '../../src/coordinator/ports.js'
import { createTestBucket } from '../helpers/s3-fixture.js'
import type { PartwayServices } from './partway-driver.js'

/** A bucket of its own on a real server, with stores of which each begins with nothing in it. */
export async function openServices(
  bucketUrl: string,
  openStore: () => Promise<SessionStore>,
): Promise<PartwayServices> {
  const [fixture, store] = await Promise.all([createTestBucket(bucketUrl), openStore()])
  const connection = connectS3(fixture)
  const stores = [store]
  return {
    store,
    bucket: connection.bucket,
    signer: connection.signer,
    emptyStore: async () => {
      const another = await openStore()
      stores.push(another)
      return another
    },
    deleteObject: async (key) => {
      await fixture.client.send(new DeleteObjectCommand({ Bucket: fixture.bucket, Key: key }))
    },
    served: async (key) => {
      const command = new HeadObjectCommand({ Bucket: fixture.bucket, Key: key })
      const { ContentType, ContentDisposition } = await fixture.client.send(command)
      return { type: ContentType, disposition: ContentDisposition }
    },
    close: async () => {
      for (const opened of stores) await opened.close()
      connection.close()
      await fixture.remove()
    },
  }
}
