import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Bucket, MultipartTarget, PartRelay, PutPart } from '../../src/coordinator/ports.js'
import { CHECKSUM_MODES, type ChecksumMode, MIB } from '../../src/protocol/index.js'
import { checksumOf } from '../helpers/memory-bucket-digest.js'

export interface OpenRelay {
  readonly bucket: Bucket
  readonly relay: PartRelay
  close(): Promise<void>
}

const HASHES = ['sha256', 'md5'] as const
const CASES = CHECKSUM_MODES.flatMap((mode) => HASHES.map((hash) => [mode, hash] as const))
/** Not a whole number of anything. */
const SIZE = 5 * MIB + 4_321

type Hash = (typeof HASHES)[number]

function hexOf(hash: Hash, bytes: Uint8Array): string {
  return createHash(hash).update(bytes).digest('hex')
}

async function* inPieces(bytes: Uint8Array, size = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** What a `PartRelay` promises, at a bucket that stores for real. */
export function partRelayContract(name: string, open: () => Promise<OpenRelay>): void {
  describe(`PartRelay contract: ${name}`, () => {
    let opened: OpenRelay
    beforeAll(async () => {
      opened = await open()
    })
    afterAll(() => opened.close())

    async function create(checksum: ChecksumMode): Promise<MultipartTarget> {
      const key = `${randomUUID()}/ö part`
      return {
        key,
        ...(await opened.bucket.createMultipartUpload({ key, checksum, metadata: {} })),
      }
    }

    /** As the coordinator asks: the checksum is known before where the hash of the client is the one. */
    async function partOf(
      checksum: ChecksumMode,
      hash: Hash,
      bytes: Uint8Array,
    ): Promise<Omit<PutPart, keyof MultipartTarget>> {
      const sum = await checksumOf(checksum, bytes)
      const value = checksum === hash ? sum : () => sum ?? ''
      return {
        index: 1,
        size: bytes.length,
        checksum,
        ...(sum !== undefined && value !== undefined && { value }),
        contentHash: hexOf(hash, bytes),
        bytes: inPieces(bytes),
      }
    }

    async function listed(target: MultipartTarget) {
      const outcome = await opened.bucket.listParts(target)
      if (outcome.kind !== 'listed') throw new Error(`listParts said ${outcome.kind}`)
      return outcome.parts
    }

    it.each(CASES)('stores a part of an upload in mode %s, known by %s', async (mode, hash) => {
      const target = await create(mode)
      const bytes = randomBytes(SIZE)
      const part = await partOf(mode, hash, bytes)
      const outcome = await opened.relay.putPart({ ...target, ...part })
      expect(outcome).toEqual({ kind: 'stored', etag: expect.stringMatching(/^[^"]+$/) })
      const [found] = await listed(target)
      expect(outcome).toMatchObject({ etag: found?.etag })
      expect(found).toMatchObject({ index: 1, size: SIZE })
      const kept = mode === 'none' || mode === 'md5' ? undefined : await checksumOf(mode, bytes)
      expect(found?.checksum).toBe(kept)
    })

    it.each(CASES)(
      'stores nothing of a part that breaks off, in mode %s by %s, and what was there stays',
      async (mode, hash) => {
        const target = await create(mode)
        const first = randomBytes(10_000)
        await opened.relay.putPart({ ...target, ...(await partOf(mode, hash, first)) })
        const before = await listed(target)
        expect(before).toHaveLength(1)
        const bytes = randomBytes(SIZE)
        const failure = new Error('the client is gone')
        async function* broken() {
          yield* inPieces(bytes.subarray(0, SIZE - 1))
          throw failure
        }
        const part = { ...(await partOf(mode, hash, bytes)), bytes: broken() }
        await expect(opened.relay.putPart({ ...target, ...part })).rejects.toBe(failure)
        expect(await listed(target)).toEqual(before)
      },
    )

    it.each(CASES.filter(([mode]) => mode !== 'none'))(
      'stores no other bytes than those of the checksum, in mode %s by %s',
      async (mode, hash) => {
        const target = await create(mode)
        const part = await partOf(mode, hash, randomBytes(SIZE))
        const other = { ...part, bytes: inPieces(randomBytes(SIZE)) }
        await expect(opened.relay.putPart({ ...target, ...other })).rejects.toThrow()
        expect(await listed(target)).toEqual([])
      },
    )

    it('says that the upload is gone', async () => {
      const target = await create('sha256')
      await opened.bucket.abortMultipartUpload(target)
      const bytes = randomBytes(SIZE)
      const part = await partOf('sha256', 'sha256', bytes)
      const outcome = opened.relay.putPart({ ...target, ...part })
      await expect(outcome).resolves.toEqual({ kind: 'gone' })
    })

    it('stores a part whose client takes its time', async () => {
      const target = await create('sha256')
      const bytes = randomBytes(300_000)
      async function* slow() {
        for await (const piece of inPieces(bytes)) {
          await delay(700)
          yield piece
        }
      }
      const part = { ...(await partOf('sha256', 'sha256', bytes)), bytes: slow() }
      expect(await opened.relay.putPart({ ...target, ...part })).toMatchObject({ kind: 'stored' })
    })
  })
}
