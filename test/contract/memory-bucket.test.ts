import { MemoryBucket } from '../helpers/memory-bucket.js'
import { bucketContract } from './bucket.contract.js'

bucketContract('memory', async () => {
  const bucket = new MemoryBucket()
  await bucket.start()
  return { bucket, signer: bucket, close: () => bucket.stop() }
})
