import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Bucket } from '../../src/coordinator/ports.js'
import type { OpenBucket } from './bucket.contract.js'

/** What a `Bucket` promises of the multipart uploads that are open under a key. */
export function openUploadsContract(opened: () => OpenBucket): void {
  describe('the multipart uploads under a key', () => {
    const newKey = () => `${randomUUID()}/file.bin`

    async function create(key: string): Promise<string> {
      const request = { key, checksum: 'none', metadata: {} } as const
      return (await opened().bucket.createMultipartUpload(request)).multipartId
    }

    async function listed(key: string, bucket: Bucket = opened().bucket) {
      const outcome = await bucket.listMultipartUploads(key)
      if (outcome.kind !== 'listed') throw new Error(`listMultipartUploads said ${outcome.kind}`)
      return outcome.uploads
    }

    const idsOf = async (key: string) => (await listed(key)).map(({ multipartId }) => multipartId)

    it('are listed, but none of a key that only begins with it', async () => {
      const key = newKey()
      expect(await listed(key)).toEqual([])
      const multipartId = await create(key)
      await create(`${key}.old`)
      const uploads = await listed(key)
      expect(uploads).toEqual([{ multipartId, initiatedAt: expect.any(Number) }])
      expect(Math.abs((uploads[0]?.initiatedAt ?? 0) - Date.now())).toBeLessThan(60_000)
    })

    it('are listed from every page, newest first', async () => {
      const { bucket, smallPages, pagesUploads } = opened()
      const key = newKey()
      const ids: string[] = []
      for (let i = 0; i < 5; i++) ids.push(await create(key))
      const uploads = await listed(key, pagesUploads ? smallPages : bucket)
      expect(uploads.map(({ multipartId }) => multipartId).sort()).toEqual(ids.sort())
      const times = uploads.map(({ initiatedAt }) => initiatedAt)
      expect(times).toEqual(times.toSorted((a, b) => b - a))
    })

    it('are no more once they are completed or aborted', async () => {
      const { bucket } = opened()
      const key = newKey()
      const [done, left] = [await create(key), await create(key)]
      await complete(key, done)
      expect(await idsOf(key)).toEqual([left])
      await bucket.abortMultipartUpload({ key, multipartId: left })
      expect(await idsOf(key)).toEqual([])
    })

    it('are found whatever is in the key', async () => {
      const key = `${randomUUID()}/報告 🏖️ a b+c%20d&e=f?g#h'i"j(k)!*~.txt`
      const multipartId = await create(key)
      expect(await idsOf(key)).toEqual([multipartId])
    })

    async function complete(key: string, multipartId: string): Promise<void> {
      const { bucket, signer } = opened()
      const target = { key, multipartId, checksum: 'none' } as const
      const parts = [{ index: 1, size: 5 }]
      const [signed] = await signer.signParts({ ...target, parts, expiresInSeconds: 60 })
      const response = await fetch(signed?.url ?? '', { method: 'PUT', body: 'bytes' })
      const etag = response.headers.get('etag')?.replaceAll('"', '') ?? ''
      const request = { ...target, parts: [{ index: 1, etag }], size: 5 }
      expect(await bucket.completeMultipartUpload(request)).toEqual({ kind: 'completed' })
    }
  })
}
