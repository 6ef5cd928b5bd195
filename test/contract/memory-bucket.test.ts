import { buffer } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { MemoryBucket } from '../helpers/memory-bucket.js'
import { bucketContract } from './bucket.contract.js'
import { storedObject, streamOf } from './bucket.objects.js'

bucketContract('memory', async () => {
  const bucket = new MemoryBucket()
  await bucket.start()
  return { bucket, signer: bucket, close: () => bucket.stop() }
})

it('breaks a stream off where the test says so', async () => {
  const bucket = new MemoryBucket({ minPartSize: 1 })
  await bucket.start()
  const { key, etag } = await storedObject({ bucket, signer: bucket }, [Buffer.alloc(100_000)])
  bucket.onRead = (_, position) => {
    if (position > 0) throw new Error('broken off')
  }
  const outcome = await bucket.readObject({ key, etag, start: 0, end: 100_000 })
  await expect(buffer(streamOf(outcome))).rejects.toThrow('broken off')
  await bucket.stop()
})
