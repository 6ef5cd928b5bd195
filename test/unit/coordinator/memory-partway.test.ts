import { partwayContract } from '../../contract/partway.contract.js'
import { MemoryBucket } from '../../helpers/memory-bucket.js'
import { memoryServices } from '../../helpers/memory-services.js'

partwayContract('SQLite in memory and a bucket in memory', async () => {
  const bucket = new MemoryBucket()
  await bucket.start()
  const services = memoryServices(bucket)
  const close = async (): Promise<void> => {
    await services.close()
    await bucket.stop()
  }
  return { ...services, close }
})
