import type { RememberedUpload, ResumeStore } from './ports.js'

/** Remembers uploads for as long as the process lives. */
export class MemoryResumeStore implements ResumeStore {
  readonly #uploads = new Map<string, RememberedUpload>()
  readonly #parts = new Map<string, Map<number, string>>()

  async find(id: string): Promise<RememberedUpload | undefined> {
    return this.#uploads.get(id)
  }

  async list(): Promise<RememberedUpload[]> {
    return [...this.#uploads.values()]
  }

  async save(upload: RememberedUpload): Promise<void> {
    this.#uploads.set(upload.id, upload)
  }

  async addPart(id: string, index: number, checksum: string): Promise<void> {
    const parts = this.#parts.get(id) ?? new Map()
    this.#parts.set(id, parts.set(index, checksum))
  }

  async parts(id: string): Promise<ReadonlyMap<number, string>> {
    return new Map(this.#parts.get(id))
  }

  async forget(id: string): Promise<void> {
    this.#uploads.delete(id)
    this.#parts.delete(id)
  }
}
