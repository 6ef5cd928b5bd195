import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type {
  Bucket,
  CompleteMultipart,
  CompleteMultipartOutcome,
  HeadObject,
  ListedPart,
  MultipartTarget,
  PartSigner,
  PresignedPart,
} from '../../src/coordinator/ports.js'
import { TOKEN_METADATA_KEY } from '../../src/coordinator/session.js'
import {
  CHECKSUM_MODES,
  type ChecksumMode,
  encodeMetadataValue,
  hasObjectDigest,
  MIB,
} from '../../src/protocol/index.js'
import { checksumOf, objectDigestOf, objectEtagOf } from '../helpers/memory-bucket-digest.js'
import { objectsContract } from './bucket.objects.js'
import { openUploadsContract } from './bucket.open-uploads.js'

export interface OpenBucket {
  readonly bucket: Bucket
  readonly signer: PartSigner
  /** The same bucket with pages of two parts, where it has pages. */
  readonly smallPages?: Bucket
  /** Whether that goes for the multipart uploads under one key, too. */
  readonly pagesUploads?: boolean
  close(): Promise<void>
}

const FULL = 5 * MIB
const CHECKSUMMED = CHECKSUM_MODES.filter((mode) => mode !== 'none')
const PROVEN = CHECKSUM_MODES.filter(hasObjectDigest)

interface SentPart {
  readonly index: number
  readonly etag: string
  readonly checksum?: string
}

/** An open upload with parts in the bucket, and what completes it. */
interface Sent {
  readonly target: MultipartTarget
  readonly request: CompleteMultipart
  readonly bytes: readonly Buffer[]
}

/** What a `Bucket` and its `PartSigner` promise, with real requests to the URLs of parts. */
export function bucketContract(name: string, open: () => Promise<OpenBucket>): void {
  describe(`Bucket contract: ${name}`, () => {
    let opened: OpenBucket
    let bucket: Bucket
    beforeAll(async () => {
      opened = await open()
      bucket = opened.bucket
    })
    afterAll(() => opened.close())

    async function create(checksum: ChecksumMode, key = newKey()): Promise<MultipartTarget> {
      const metadata = { [TOKEN_METADATA_KEY]: `token-of-${key.length}.1` }
      return { key, ...(await bucket.createMultipartUpload({ key, checksum, metadata })) }
    }

    async function sign(
      target: MultipartTarget,
      checksum: ChecksumMode,
      [index, bytes]: readonly [number, Buffer],
    ): Promise<PresignedPart> {
      const sum = await checksumOf(checksum, bytes)
      const part = { index, size: bytes.length, ...(sum === undefined ? {} : { checksum: sum }) }
      const request = { ...target, checksum, parts: [part], expiresInSeconds: 600 }
      const [signed] = await opened.signer.signParts(request)
      if (signed === undefined) throw new Error('nothing was signed')
      return signed
    }

    async function send(
      target: MultipartTarget,
      mode: ChecksumMode,
      [index, bytes]: readonly [number, Buffer],
    ): Promise<SentPart> {
      const signed = await sign(target, mode, [index, bytes])
      const response = await put(signed, bytes)
      expect(response.status, await response.text()).toBe(200)
      const etag = response.headers.get('etag')?.replaceAll('"', '') ?? ''
      const checksum = await checksumOf(mode, bytes)
      return { index, etag, ...(checksum === undefined ? {} : { checksum }) }
    }

    async function sendAll(
      mode: ChecksumMode,
      bytes: readonly Buffer[],
      key?: string,
    ): Promise<Sent> {
      const target = await create(mode, key)
      const parts: SentPart[] = []
      for (const [i, part] of bytes.entries()) parts.push(await send(target, mode, [i + 1, part]))
      const digest = await objectDigestOf(mode, bytes)
      const size = bytes.reduce((sum, part) => sum + part.length, 0)
      const proof = digest === undefined ? {} : { digest }
      return { target, bytes, request: { ...target, checksum: mode, parts, size, ...proof } }
    }

    async function listed(target: MultipartTarget, of = bucket): Promise<readonly ListedPart[]> {
      const outcome = await of.listParts(target)
      if (outcome.kind !== 'listed') throw new Error(`listParts said ${outcome.kind}`)
      return outcome.parts
    }

    async function found(key: string): Promise<HeadObject> {
      const outcome = await bucket.headObject(key)
      if (outcome.kind !== 'found') throw new Error(`headObject said ${outcome.kind}`)
      return outcome.object
    }

    async function expectNothingStored(attempt: Promise<Response>, target: MultipartTarget) {
      // Some servers answer, some close the connection.
      const status = await attempt.then(
        (response) => response.status,
        () => 'closed',
      )
      expect(status).not.toBe(200)
      expect(await listed(target)).toEqual([])
    }

    async function expectRefused(sent: Sent, change: Partial<CompleteMultipart>) {
      const outcome = await bucket.completeMultipartUpload({ ...sent.request, ...change })
      expect(['invalid-part', 'digest-differs']).toContain(outcome.kind)
      expect(await bucket.headObject(sent.target.key)).toEqual({ kind: 'absent' })
      return outcome.kind
    }

    describe.each(CHECKSUM_MODES)('in mode %s', (mode) => {
      it('makes of the parts an object with its token, size and digest', async () => {
        const sent = await sendAll(mode, [filled(FULL), filled(FULL), filled(1_234)])
        const parts = await listed(sent.target)
        expect(parts.map((part) => part.size)).toEqual([FULL, FULL, 1_234])
        expect(parts.map(({ index, etag }) => ({ index, etag }))).toEqual(
          sent.request.parts.map(({ index, etag }) => ({ index, etag })),
        )
        if (hasObjectDigest(mode)) {
          expect(parts.map((part) => part.checksum)).toEqual(
            sent.request.parts.map((part) => part.checksum),
          )
        }

        expect(await bucket.completeMultipartUpload(sent.request)).toEqual({ kind: 'completed' })

        const object = await found(sent.target.key)
        expect(object.size).toBe(sent.request.size)
        expect(object.metadata[TOKEN_METADATA_KEY]).toMatch(/^token-of-/)
        expect(object.etag).toBe(objectEtagOf(sent.bytes))
        if (hasObjectDigest(mode)) expect(object.digests[mode]).toBe(sent.request.digest)
      })

      it('makes an object of a single small part', async () => {
        const sent = await sendAll(mode, [filled(10)])
        expect(await bucket.completeMultipartUpload(sent.request)).toEqual({ kind: 'completed' })
        const object = await found(sent.target.key)
        expect(object.size).toBe(10)
        if (hasObjectDigest(mode)) expect(object.digests[mode]).toBe(sent.request.digest)
      })

      it('admits no part of another length than its URL was signed for', async () => {
        const target = await create(mode)
        const signed = await sign(target, mode, [1, filled(1_000)])
        await expectNothingStored(put(signed, filled(1_001)), target)
        await expectNothingStored(put(signed, filled(999)), target)
      })
    })

    describe.each(CHECKSUMMED)('the URL of a part in mode %s', (mode) => {
      it('admits no other bytes of the same length', async () => {
        const target = await create(mode)
        const signed = await sign(target, mode, [1, filled(1_000)])
        await expectNothingStored(put(signed, filled(1_000)), target)
      })

      it('admits no request without the checksum header', async () => {
        const target = await create(mode)
        const bytes = filled(1_000)
        const signed = await sign(target, mode, [1, bytes])
        await expectNothingStored(put({ ...signed, headers: {} }, bytes), target)
      })

      it('admits no other checksum, even that of the bytes sent', async () => {
        const target = await create(mode)
        const signed = await sign(target, mode, [1, filled(1_000)])
        const others = filled(1_000)
        const other = await sign(target, mode, [1, others])
        await expectNothingStored(put({ ...signed, headers: other.headers }, others), target)
      })
    })

    describe.each(PROVEN)('completion with a digest in mode %s', (mode) => {
      it('makes no object when a part is left out', async () => {
        const sent = await sendAll(mode, [filled(FULL), filled(FULL), filled(100)])
        const [first, , third] = sent.request.parts
        if (first === undefined || third === undefined) throw new Error('three parts were sent')
        // With the size that the parts left over do have: no bucket may see it by the size alone.
        await expectRefused(sent, { parts: [first, third], size: FULL + 100 })
      })

      it('makes no object when the digest is that of other bytes', async () => {
        const sent = await sendAll(mode, [filled(200)])
        const digest = (await objectDigestOf(mode, [filled(200)])) ?? ''
        expect(await expectRefused(sent, { digest })).toBe('digest-differs')
        expect(await bucket.completeMultipartUpload(sent.request)).toEqual({ kind: 'completed' })
      })

      it('makes no object when two parts of one size are swapped', async () => {
        const [a, b] = [filled(FULL), filled(FULL)]
        const sent = await sendAll(mode, [a, b])
        const digest = (await objectDigestOf(mode, [b, a])) ?? ''
        expect(await expectRefused(sent, { digest })).toBe('digest-differs')
      })

      it('makes no object when the checksums of two parts are swapped', async () => {
        const sent = await sendAll(mode, [filled(FULL), filled(FULL)])
        const sums = sent.request.parts.map((part) => part.checksum).reverse()
        const parts = sent.request.parts.map(({ index, etag }, i) => {
          const checksum = sums[i] ?? ''
          return { index, etag, checksum }
        })
        await expectRefused(sent, { parts })
      })
    })

    it('refuses the ETag of a part that was sent again, and stays open for the right one', async () => {
      const sent = await sendAll('none', [filled(300)])
      const again = await send(sent.target, 'none', [1, filled(300)])
      expect(await bucket.completeMultipartUpload(sent.request)).toEqual({ kind: 'invalid-part' })
      const outcome = await bucket.completeMultipartUpload({ ...sent.request, parts: [again] })
      expect(outcome).toEqual({ kind: 'completed' })
      expect((await found(sent.target.key)).etag).toMatch(/-1$/)
    })

    it('refuses a part that it does not have', async () => {
      const sent = await sendAll('none', [filled(300)])
      const parts = [...sent.request.parts, { index: 2, etag: '0'.repeat(32) }]
      const outcome = await bucket.completeMultipartUpload({ ...sent.request, parts })
      expect(outcome.kind).toMatch(/^(invalid-part|part-too-small)$/)
      expect(await bucket.headObject(sent.target.key)).toEqual({ kind: 'absent' })
    })

    it('refuses a small part that is not the last', async () => {
      const sent = await sendAll('sha256', [filled(400), filled(400)])
      const outcome = await bucket.completeMultipartUpload(sent.request)
      expect(outcome).toEqual({ kind: 'part-too-small' })
      expect(await listed(sent.target)).toHaveLength(2)
    })

    it('completed twice, has the object of the first time and says so or "gone"', async () => {
      const sent = await sendAll('sha256', [filled(500)])
      await bucket.completeMultipartUpload(sent.request)
      const before = await found(sent.target.key)
      const again: CompleteMultipartOutcome['kind'][] = ['completed', 'gone']
      expect(again).toContain((await bucket.completeMultipartUpload(sent.request)).kind)
      expect(await found(sent.target.key)).toEqual(before)
    })

    it('has nothing left of an upload that was aborted', async () => {
      const sent = await sendAll('sha256', [filled(600)])
      expect(await bucket.abortMultipartUpload(sent.target)).toBe('aborted')
      expect(await bucket.listParts(sent.target)).toEqual({ kind: 'gone' })
      expect(await bucket.completeMultipartUpload(sent.request)).toEqual({ kind: 'gone' })
      expect(await bucket.headObject(sent.target.key)).toEqual({ kind: 'absent' })
      expect(['aborted', 'gone']).toContain(await bucket.abortMultipartUpload(sent.target))
    })

    it('keeps the object when its upload is aborted after completion', async () => {
      const sent = await sendAll('sha256', [filled(700)])
      await bucket.completeMultipartUpload(sent.request)
      expect(['aborted', 'gone']).toContain(await bucket.abortMultipartUpload(sent.target))
      expect((await found(sent.target.key)).size).toBe(700)
    })

    it('takes no part for an upload that is over', async () => {
      const sent = await sendAll('sha256', [filled(800)])
      const late = await sign(sent.target, 'sha256', [1, filled(5)])
      await bucket.abortMultipartUpload(sent.target)
      expect((await put(late, filled(5))).ok).toBe(false)
      expect(await bucket.listParts(sent.target)).toEqual({ kind: 'gone' })
    })

    it('takes a part again, and lists it once, as it was sent last', async () => {
      const target = await create('sha256')
      await send(target, 'sha256', [1, filled(900)])
      const last = await send(target, 'sha256', [1, filled(901)])
      expect(await listed(target)).toEqual([{ ...last, size: 901 }])
    })

    it('lists parts by ascending index, whatever the order they came in', async () => {
      const target = await create('none')
      for (const index of [12, 3, 7, 100, 1]) await send(target, 'none', [index, filled(5)])
      expect((await listed(target)).map((part) => part.index)).toEqual([1, 3, 7, 12, 100])
    })

    it('lists the parts of every page', async () => {
      const target = await create('sha256')
      for (const index of [1, 2, 3, 5, 8]) await send(target, 'sha256', [index, filled(5)])
      const parts = await listed(target, opened.smallPages)
      expect(parts.map((part) => part.index)).toEqual([1, 2, 3, 5, 8])
      expect(parts).toEqual(await listed(target))
    })

    it('says of a multipart upload that never was, that it is gone', async () => {
      const { key, multipartId } = await create('none')
      const other = { key: newKey(), multipartId }
      expect(await bucket.listParts(other)).toEqual({ kind: 'gone' })
      expect((await listed({ key, multipartId })).length).toBe(0)
    })

    openUploadsContract(() => opened)
    objectsContract(() => opened)

    it.each([
      ['letters of many scripts', 'Отчёт 2026 — 報告書 ✓.pdf'],
      ['emoji', 'fotos/🏖️ summer 👩‍👩‍👧.jpg'],
      ['characters that URLs escape', `a b+c%20d&e=f?g#h'i"j(k)!*~.txt`],
      ['a composed and a decomposed letter', 'é.txt'],
    ])('takes a key with %s', async (_, key) => {
      const sent = await sendAll('sha256', [filled(50)], `${randomUUID()}/${key}`)
      expect(await bucket.completeMultipartUpload(sent.request)).toEqual({ kind: 'completed' })
      expect((await found(sent.target.key)).size).toBe(50)
    })

    it('gives the metadata back as it was sent', async () => {
      const key = newKey()
      const metadata = {
        [TOKEN_METADATA_KEY]: 'Q-_x.12',
        title: encodeMetadataValue('Grüße 100% 🎉 = "x"; y'),
        'empty-words': 'a  b',
      }
      const { multipartId } = await bucket.createMultipartUpload({
        key,
        checksum: 'sha256',
        contentType: 'image/png',
        metadata,
      })
      const part = await send({ key, multipartId }, 'sha256', [1, filled(9)])
      const request = { key, multipartId, checksum: 'sha256', parts: [part], size: 9 } as const
      expect(await bucket.completeMultipartUpload(request)).toEqual({ kind: 'completed' })
      expect((await found(key)).metadata).toEqual(metadata)
    })

    it('says absent of an object that was never there', async () => {
      expect(await bucket.headObject(newKey())).toEqual({ kind: 'absent' })
    })

    it('answers when asked whether it is there', async () => {
      await expect(bucket.check()).resolves.toBeUndefined()
    })
  })
}

function put({ url, headers }: PresignedPart, bytes: Buffer): Promise<Response> {
  return fetch(url, { method: 'PUT', headers, body: new Uint8Array(bytes) })
}

function newKey(): string {
  return `${randomUUID()}/file.bin`
}

// Other bytes at every call, and cheap: what matters is that no two parts are alike.
function filled(size: number): Buffer {
  const bytes = Buffer.alloc(size, size % 251)
  randomBytes(Math.min(size, 16)).copy(bytes)
  return bytes
}
