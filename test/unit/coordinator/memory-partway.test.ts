import { openSqliteSessionStore } from '../../../src/sessions/sqlite/index.js'
import { partwayContract } from '../../contract/partway.contract.js'
import { MemoryBucket } from '../../helpers/memory-bucket.js'

partwayContract('SQLite in memory and a bucket in memory', async () => {
  const store = openSqliteSessionStore(':memory:')
  const bucket = new MemoryBucket()
  await bucket.start()
  return {
    store,
    bucket,
    signer: bucket,
    deleteObject: async (key) => bucket.deleteObject(key),
    close: async () => {
      await store.close()
      await bucket.stop()
    },
  }
})
