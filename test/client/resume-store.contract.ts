import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { RememberedUpload, ResumeStore } from '../../src/client/ports.js'

export interface ResumeStoreContractOptions {
  readonly open: () => ResumeStore
  readonly skip?: boolean
}

/** Everything that a `ResumeStore` promises. */
export function resumeStoreContract(name: string, options: ResumeStoreContractOptions): void {
  const { open, skip = false } = options
  const some = (): RememberedUpload => ({
    ...{ id: `["","https://host",${randomUUID()}]`, scope: '', endpoint: 'https://host' },
    ...{ fingerprint: 'f', uploadId: 'u', filename: 'film.mkv', size: 95, lastModified: 7 },
    ...{ chunkSize: 10, checksum: 'sha256', updatedAt: 1, expiresAt: 2 },
  })

  describe.skipIf(skip)(`ResumeStore contract: ${name}`, () => {
    it('finds what was saved, and nothing else', async () => {
      const store = open()
      const upload = some()
      await store.save(upload)
      expect(await store.find(upload.id)).toEqual(upload)
      expect(await store.find(some().id)).toBeUndefined()
      expect(await store.list()).toContainEqual(upload)
    })

    it('keeps the parts when an upload is saved again', async () => {
      const store = open()
      const upload = some()
      await store.save(upload)
      await store.addPart(upload.id, 1, 'one')
      await store.save({ ...upload, updatedAt: 5 })
      expect(await store.find(upload.id)).toMatchObject({ updatedAt: 5 })
      expect(await store.parts(upload.id)).toEqual(new Map([[1, 'one']]))
    })

    it('keeps the last checksum of each part, apart from those of other uploads', async () => {
      const store = open()
      const [upload, other] = [some(), some()]
      for (const index of [10_000, 2, 1]) await store.addPart(upload.id, index, `first ${index}`)
      await store.addPart(upload.id, 2, 'second')
      await store.addPart(other.id, 2, 'of another')
      const parts = await store.parts(upload.id)
      expect(new Map([...parts].sort(([a], [b]) => a - b))).toEqual(
        new Map([
          [1, 'first 1'],
          [2, 'second'],
          [10_000, 'first 10000'],
        ]),
      )
      expect(await store.parts(other.id)).toEqual(new Map([[2, 'of another']]))
    })

    it('forgets an upload with its parts, and only it', async () => {
      const store = open()
      const [upload, other] = [some(), some()]
      for (const one of [upload, other]) {
        await store.save(one)
        await store.addPart(one.id, 1, 'one')
      }
      await store.forget(upload.id)
      expect(await store.find(upload.id)).toBeUndefined()
      expect(await store.parts(upload.id)).toEqual(new Map())
      expect(await store.find(other.id)).toEqual(other)
      expect(await store.parts(other.id)).toEqual(new Map([[1, 'one']]))
    })

    it('does not mind to forget what it never knew', async () => {
      await expect(open().forget(some().id)).resolves.toBeUndefined()
    })
  })
}
