import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { hasObjectDigest, type InitReply, MIB, partSize } from '../../src/protocol/index.js'
import { SampleFile } from '../helpers/sample-file.js'
import {
  ALL_MODES,
  PartwayDriver,
  type PartwayServices,
  put,
  putStatus,
  refusalOf,
} from './partway-driver.js'

const PART = 5 * MIB
/** Two whole parts, so that they can be taken for each other, and a short one. */
const SIZE = 2 * PART + 7_777

/** Whatever a client says or sends, the wrong object is never made, and the right one still can be. */
export function badObjectsContract(services: () => PartwayServices): void {
  describe.each(ALL_MODES)('never makes the wrong object (%s)', (checksum) => {
    const file = new SampleFile(SIZE)
    let driver: PartwayDriver
    let upload: InitReply
    beforeEach(async () => {
      driver = new PartwayDriver(services())
      upload = await driver.init(file, { chunkSize: PART, checksum })
    })

    async function signed(index: number, content = file) {
      const [part] = await driver.sign(content, upload, [index])
      if (part === undefined) throw new Error(`part ${index} was not signed`)
      return part
    }

    async function refusedWith(request = {}): Promise<unknown> {
      const { code, details } = await refusalOf(driver.complete(upload.uploadId, request))
      // A bucket that checks the whole by itself may be asked; where it would not, it never is.
      if (!hasObjectDigest(checksum)) expect(driver.tap.count('completeMultipartUpload')).toBe(0)
      const head = await services().bucket.headObject(`${upload.uploadId}/sample.bin`)
      expect(head.kind).toBe('absent')
      return { code, missing: details.missing }
    }

    async function completesAfter(indexes: number[]): Promise<void> {
      await driver.sendAndReport(file, upload, indexes)
      const done = await driver.complete(upload.uploadId)
      expect(done.state).toBe('completed')
      expect(await contentOf(services(), done.object)).toBe(file.sha256)
    }

    it('of a part that was never sent, although it was reported', async () => {
      await driver.sendAndReport(file, upload, [1, 3])
      const parts = [{ index: 2, etag: 'd41d8cd98f00b204e9800998ecf8427e' }]
      await signed(2)
      expect(await refusedWith({ parts })).toEqual({ code: 'PARTS_MISSING', missing: [[2, 2]] })
      await completesAfter([2])
    })

    it('of two parts in each other’s place', async () => {
      const [first, second] = [await signed(1), await signed(2)]
      const statuses = [
        await putStatus(first, file.part(upload, 2)),
        await putStatus(second, file.part(upload, 1)),
      ]
      await driver.sendAndReport(file, upload, [3])
      if (checksum === 'none') {
        // Nothing tells these bytes from others of their length: only a hash of the whole file does.
        expect(statuses).toEqual([200, 200])
        const done = await driver.complete(upload.uploadId, { expectedHash: file.sha256 })
        expect(done.state).toBe('verifying')
        await driver.partway.resume({ ...driver.caller, id: upload.uploadId })
        expect((await driver.status(upload.uploadId)).state).toBe('failed')
        const head = await services().bucket.headObject(`${upload.uploadId}/sample.bin`)
        expect(head.kind).toBe('absent')
        return
      }
      expect(statuses).not.toContain(200)
      expect(await refusedWith()).toEqual({ code: 'PARTS_MISSING', missing: [[1, 2]] })
      await completesAfter([1, 2])
    })

    it('of two ETags in each other’s place', async () => {
      const sent = await driver.send(file, upload, [1, 2, 3])
      const [one, two, three] = sent.map(({ etag }) => etag)
      const parts = [two, one, three].map((etag = '', i) => ({ index: i + 1, etag }))
      const end = await driver
        .complete(upload.uploadId, { parts })
        .catch(() => driver.send(file, upload, [1, 2]))
      // What the bucket holds decides; where it has no checksums, the parts are asked for again.
      if (Array.isArray(end)) await completesAfter([1, 2])
      const { object } = await driver.complete(upload.uploadId)
      expect(await contentOf(services(), object)).toBe(file.sha256)
    })

    it('of a part that was sent again with other bytes after it was reported', async () => {
      await driver.sendAndReport(file, upload, [1, 2, 3])
      const other = new SampleFile(partSize(upload, 3))
      const late = await signed(3)
      const status = await putStatus(late, other.bytes)
      if (checksum === 'none') {
        expect(status).toBe(200)
        expect(await refusedWith()).toEqual({ code: 'PARTS_MISSING', missing: [[3, 3]] })
        await completesAfter([3])
      } else {
        expect(status).not.toBe(200)
        await completesAfter([])
      }
    })

    it('of parts that were signed for other bytes than the digest is of', async () => {
      if (!hasObjectDigest(checksum)) {
        // There is no digest: `md5` and `none` have no value of the whole object.
        const digest = 'AAAAAAAAAAA='
        expect(await refusedWith({ digest })).toMatchObject({ code: 'INVALID_REQUEST' })
        return
      }
      const other = new SampleFile(SIZE)
      const right = await driver.init(file, { chunkSize: PART, checksum, fingerprint: 'right' })
      await driver.sendAndReport(file, right, [1, 2, 3])
      const { object } = await driver.complete(right.uploadId)
      driver.tap.reset()
      const part = await signed(2, other)
      expect((await put(part, other.part(upload, 2))).status).toBe(200)
      await driver.sendAndReport(file, upload, [1, 3])
      expect(await refusedWith({ digest: object?.digest })).toMatchObject({
        code: 'CHECKSUM_MISMATCH',
      })
      await completesAfter([2])
    })
  })
}

async function contentOf(
  { bucket }: PartwayServices,
  object: { key: string; etag: string; size: number } | undefined,
): Promise<string> {
  if (object === undefined) throw new Error('there is no object')
  const found = await bucket.readObject({ ...object, start: 0, end: object.size })
  if (found.kind !== 'found') throw new Error(`the object is ${found.kind}`)
  const hash = createHash('sha256')
  for await (const bytes of found.bytes) hash.update(bytes)
  return hash.digest('hex')
}
