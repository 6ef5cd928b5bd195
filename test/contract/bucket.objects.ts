import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ReadObject, ReadObjectOutcome } from '../../src/coordinator/ports.js'
import { MIB } from '../../src/protocol/index.js'
import type { OpenBucket } from './bucket.contract.js'

export interface StoredTestObject {
  readonly key: string
  readonly etag: string
  readonly bytes: Buffer
}

/** An object made of these parts. */
export async function storedObject(
  { bucket, signer }: Pick<OpenBucket, 'bucket' | 'signer'>,
  parts: readonly Buffer[],
  key = `${randomUUID()}/file.bin`,
): Promise<StoredTestObject> {
  const { multipartId } = await bucket.createMultipartUpload({
    key,
    checksum: 'none',
    metadata: {},
  })
  const target = { key, multipartId, checksum: 'none' } as const
  const toSign = parts.map(({ length }, i) => ({ index: i + 1, size: length }))
  const signed = await signer.signParts({ ...target, parts: toSign, expiresInSeconds: 600 })
  for (const [i, { url }] of signed.entries()) {
    const response = await fetch(url, { method: 'PUT', body: new Uint8Array(parts[i] ?? []) })
    expect(response.status).toBe(200)
  }
  const bytes = Buffer.concat(parts)
  const sent = parts.map((part, i) => ({ index: i + 1, etag: md5(part) }))
  await bucket.completeMultipartUpload({ ...target, parts: sent, size: bytes.length })
  const head = await bucket.headObject(key)
  if (head.kind !== 'found') throw new Error('The object was not made')
  return { key, etag: head.object.etag, bytes }
}

export function streamOf(outcome: ReadObjectOutcome): AsyncIterable<Uint8Array> {
  if (outcome.kind !== 'found') throw new Error(`readObject said ${outcome.kind}`)
  return outcome.bytes
}

/** What a `Bucket` promises of objects that are read and removed. */
export function objectsContract(opened: () => OpenBucket): void {
  const PART = 5 * MIB

  describe('an object', () => {
    let object: StoredTestObject
    let whole: ReadObject
    beforeAll(async () => {
      object = await storedObject(opened(), [randomBytes(PART), randomBytes(1_000)])
      whole = { key: object.key, etag: object.etag, start: 0, end: object.bytes.length }
    })

    async function read(range: Partial<ReadObject> = {}): Promise<Buffer> {
      return buffer(streamOf(await opened().bucket.readObject({ ...whole, ...range })))
    }

    it('of several parts is read whole', async () => {
      expect(object.etag).toMatch(/-2$/)
      expect((await read()).equals(object.bytes)).toBe(true)
    })

    it.each([
      [0, 1],
      [PART - 10, PART + 10],
      [PART + 999, PART + 1_000],
      [1, 2 * MIB],
    ])('is read from byte %i up to byte %i', async (start, end) => {
      expect((await read({ start, end })).equals(object.bytes.subarray(start, end))).toBe(true)
    })

    it('is not read when it is not there', async () => {
      const other = { ...whole, key: `${object.key}.none` }
      expect(await opened().bucket.readObject(other)).toEqual({ kind: 'absent' })
    })

    it('is not read when it is another', async () => {
      const other = { ...whole, etag: `${'0'.repeat(32)}-2` }
      expect(await opened().bucket.readObject(other)).toEqual({ kind: 'changed' })
    })

    it('gives its connection back when its reader stops early, or before the first byte', async () => {
      // More often than there are connections to the bucket.
      for (let turn = 0; turn < 70; turn++) {
        const iterator = streamOf(await opened().bucket.readObject(whole))[Symbol.asyncIterator]()
        if (turn % 2 === 0) expect((await iterator.next()).done).toBe(false)
        await iterator.return?.()
        expect((await iterator.next()).done).toBe(true)
      }
      expect(await opened().bucket.headObject(object.key)).toMatchObject({ kind: 'found' })
    })

    it('is read no further once its reader has called it off', async () => {
      const reading = new AbortController()
      const stream = streamOf(
        await opened().bucket.readObject({ ...whole, signal: reading.signal }),
      )
      const seen: number[] = []
      const all = async () => {
        for await (const chunk of stream) {
          seen.push(chunk.length)
          reading.abort(new Error('enough'))
        }
      }
      await expect(all()).rejects.toThrow('enough')
      expect(seen).toHaveLength(1)
      const late = opened().bucket.readObject({ ...whole, signal: reading.signal })
      await expect(late).rejects.toThrow()
    })

    it('is removed if it is the one that is meant, and only once', async () => {
      const { bucket } = opened()
      const { key, etag } = await storedObject(opened(), [randomBytes(100)])
      expect(await bucket.removeObject({ key, etag: `${'0'.repeat(32)}-1` })).toBe('changed')
      expect(await bucket.headObject(key)).toMatchObject({ kind: 'found', object: { etag } })
      expect(await bucket.removeObject({ key, etag })).toBe('removed')
      expect(await bucket.headObject(key)).toEqual({ kind: 'absent' })
      expect(await bucket.removeObject({ key, etag })).toBe('absent')
    })

    it('stays when the right to remove it has gone meanwhile', async () => {
      const { bucket } = opened()
      const { key, etag } = await storedObject(opened(), [randomBytes(100)])
      expect(await bucket.removeObject({ key, etag, mayRemove: () => false })).toBe('outdated')
      expect(await bucket.headObject(key)).toMatchObject({ kind: 'found', object: { etag } })
      expect(await bucket.removeObject({ key, etag, mayRemove: () => true })).toBe('removed')
    })

    it('stays when it has taken the place of the one that is meant', async () => {
      const { bucket } = opened()
      const old = await storedObject(opened(), [randomBytes(100)])
      const now = await storedObject(opened(), [randomBytes(100)], old.key)
      expect(await bucket.removeObject(old)).toBe('changed')
      expect(await bucket.readObject({ ...old, start: 0, end: 9 })).toEqual({ kind: 'changed' })
      expect(await bucket.headObject(old.key)).toMatchObject({ object: { etag: now.etag } })
    })

    it('is read and removed whatever is in its key', async () => {
      const key = `${randomUUID()}/報告 🏖️ a b+c%20d&e=f?g#h'i"j(k)!*~.txt`
      const { etag, bytes } = await storedObject(opened(), [randomBytes(100)], key)
      expect(await read({ key, etag, start: 0, end: 100 })).toEqual(bytes)
      expect(await opened().bucket.removeObject({ key, etag })).toBe('removed')
    })
  })
}

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex')
}
