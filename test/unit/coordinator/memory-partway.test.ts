import { openSqliteSessionStore } from '../../../src/sessions/sqlite/index.js'
import { partwayContract } from '../../contract/partway.contract.js'
import { MemoryBucket } from '../../helpers/memory-bucket.js'

partwayContract('SQLite in memory and a bucket in memory', async () => {
  const store = openSqliteSessionStore(':memory:')
  const stores = [store]
  const bucket = new MemoryBucket()
  await bucket.start()
  return {
    store,
    bucket,
    signer: bucket,
    emptyStore: async () => {
      const another = openSqliteSessionStore(':memory:')
      stores.push(another)
      return another
    },
    deleteObject: async (key) => bucket.deleteObject(key),
    close: async () => {
      for (const opened of stores) await opened.close()
      await bucket.stop()
    },
  }
})
