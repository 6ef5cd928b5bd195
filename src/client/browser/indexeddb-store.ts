import type { RememberedUpload, ResumeStore } from '../ports.js'

const DATABASE = 'partway'
const VERSION = 1

interface StoredPart {
  readonly id: string
  readonly index: number
  readonly checksum: string
}

/**
 * Uploads in IndexedDB, a small record for each and a smaller one for each part, so that no write grows with
 * the file. Where there is no IndexedDB, or none for this page (private mode), every method rejects.
 */
export class IndexedDbResumeStore implements ResumeStore {
  #opened: Promise<IDBDatabase> | undefined

  async find(id: string): Promise<RememberedUpload | undefined> {
    const uploads = await this.#store('uploads', 'readonly')
    return settled<RememberedUpload | undefined>(uploads.get(id))
  }

  async list(): Promise<RememberedUpload[]> {
    const uploads = await this.#store('uploads', 'readonly')
    return settled<RememberedUpload[]>(uploads.getAll())
  }

  async save(upload: RememberedUpload): Promise<void> {
    const uploads = await this.#store('uploads', 'readwrite')
    await settled(uploads.put(upload))
  }

  async addPart(id: string, index: number, checksum: string): Promise<void> {
    const parts = await this.#store('parts', 'readwrite')
    await settled(parts.put({ id, index, checksum } satisfies StoredPart))
  }

  async parts(id: string): Promise<ReadonlyMap<number, string>> {
    const parts = await this.#store('parts', 'readonly')
    const all = await settled<StoredPart[]>(parts.getAll(partsOf(id)))
    return new Map(all.map(({ index, checksum }) => [index, checksum]))
  }

  async forget(id: string): Promise<void> {
    const uploads = await this.#store('uploads', 'readwrite')
    const parts = await this.#store('parts', 'readwrite')
    await Promise.all([settled(uploads.delete(id)), settled(parts.delete(partsOf(id)))])
  }

  async #store(name: 'uploads' | 'parts', mode: IDBTransactionMode): Promise<IDBObjectStore> {
    this.#opened ??= open()
    const database = await this.#opened
    return database.transaction(name, mode, { durability: 'relaxed' }).objectStore(name)
  }
}

/** In the order of IndexedDB's keys a number comes before an array. */
function partsOf(id: string): IDBKeyRange {
  return IDBKeyRange.bound([id], [id, []])
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, VERSION)
    request.onupgradeneeded = () => {
      request.result.createObjectStore('uploads', { keyPath: 'id' })
      request.result.createObjectStore('parts', { keyPath: ['id', 'index'] })
    }
    request.onsuccess = () => {
      // A page of a newer version must not have to wait for this one to be closed.
      request.result.onversionchange = () => request.result.close()
      resolve(request.result)
    }
    request.onerror = () => reject(request.error)
  })
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
