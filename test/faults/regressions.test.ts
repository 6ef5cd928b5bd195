import { AbortMultipartUploadCommand } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PartwayError } from '../../src/client/partway-error.js'
import type { InitReply } from '../../src/protocol/index.js'
import { needsService } from '../contract/needs-service.js'
import { minioUrl, redisUrl, versitygwUrl } from '../helpers/services.js'
import { CrashLane, waitABit } from './crash-lane.js'
import type { HttpCalls } from './http-calls.js'
import { brokenInvariants, type Ground } from './invariants.js'
import { PatientClient } from './patient-client.js'
import { Payload } from './payload.js'
import type { StoreKind } from './stores.js'

const PLACES: readonly { bucket: string; url: string; store: StoreKind }[] = [
  { bucket: 'MinIO', url: redisUrl() === '' ? '' : minioUrl(), store: 'Redis' },
  { bucket: 'VersityGW', url: versitygwUrl(), store: 'SQLite' },
]

const payload = new Payload()

/** Three ways in which other upload servers lose data, and say that all is well. */
for (const { bucket, url, store } of PLACES) {
  needsService(`${store} or ${bucket}`, url, () => {
    describe(`what others lose, with ${store} and ${bucket}`, () => {
      let lane: CrashLane
      let calls: HttpCalls
      let client: PatientClient
      let upload: InitReply
      beforeAll(async () => {
        lane = await CrashLane.open({ bucketUrl: url, store })
      })
      afterAll(() => lane.close())
      beforeEach(async () => {
        calls = lane.calls()
        client = new PatientClient({ calls, payload, mode: 'sha256', wait: waitABit })
        upload = await client.init()
      })
      afterEach(() => calls.close())

      const uploaded = async (): Promise<number[]> => {
        const status = await calls.status(upload.uploadId)
        expect(status.state).toBe('uploading')
        return status.uploaded.map((part) => part.index)
      }

      it('T1: the multipart upload is removed behind the server', async () => {
        await client.send([1, 2])
        expect(await uploaded()).toEqual([1, 2])
        await removeMultipart(lane.ground, upload.uploadId)
        expect((await calls.init(requestOf(upload))).state).toBe('uploading')
        expect(await missingOf(calls, upload)).toEqual([[1, 3]])
        expect(await uploaded()).toEqual([])
        await expectWhole()
      })

      it('T2: all parts are stored, and the server dies before it completes', async () => {
        await client.send(payload.indexes)
        await lane.kill()
        await lane.settled()
        expect(await uploaded()).toEqual([1, 2, 3])
        await expectWhole()
      })

      it('T3: parts 1 and 3 are stored, part 2 failed, and the client comes back', async () => {
        await client.send([1, 3])
        await lane.kill()
        await lane.settled()
        expect(await missingOf(calls, upload)).toEqual([[2, 2]])
        expect(await uploaded()).toEqual([1, 3])
        await expectWhole()
      })

      /** Nobody has been told "completed" so far; the rest is sent, and the content is right. */
      async function expectWhole(): Promise<void> {
        expect(client.told).toEqual([])
        await client.upload()
        const { told, states, uploadId: id } = client
        const { served } = lane.toBucket
        const seen = { payload, served, told, states }
        const expected = { id, state: 'completed', mode: 'sha256', ...seen } as const
        expect(await brokenInvariants(lane.ground, expected)).toEqual([])
        expect(told).toHaveLength(1)
      }
    })
  })
}

function requestOf({ filename, size, chunkSize, checksum }: InitReply) {
  return { filename, size, chunkSize, checksum, fingerprint: payload.sha256 }
}

/** The parts that a completion says are missing. */
async function missingOf(calls: HttpCalls, { uploadId }: InitReply) {
  const refusal = await calls.complete({ uploadId }).catch((error: unknown) => error)
  if (!(refusal instanceof PartwayError)) throw new Error('the completion was not refused')
  expect(refusal.code).toBe('PARTS_MISSING')
  return refusal.missing
}

async function removeMultipart(ground: Ground, id: string): Promise<void> {
  const { client, bucket, store, owner } = ground
  const session = await store.find({ owner, id }, Date.now())
  const { key, multipartId } = session?.upload ?? {}
  const target = { Bucket: bucket, Key: key, UploadId: multipartId }
  await client.send(new AbortMultipartUploadCommand(target))
}
