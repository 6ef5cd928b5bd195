import { openSqliteSessionStore } from '../../src/sessions/sqlite/index.js'
import type { PartwayServices } from '../contract/partway-driver.js'
import type { MemoryBucket } from './memory-bucket.js'

/** The services of a coordinator, all in memory. Closing them leaves the bucket to whoever started it. */
export function memoryServices(bucket: MemoryBucket): PartwayServices {
  const store = openSqliteSessionStore(':memory:')
  const stores = [store]
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
    served: async (key) => bucket.served(key),
    close: async () => {
      for (const opened of stores) await opened.close()
    },
  }
}
