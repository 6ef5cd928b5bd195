import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { connectS3, type S3Connection } from '../../src/bucket/index.js'
import { createTestBucket } from '../helpers/s3-fixture.js'
import { brokenReadsContract } from './bucket.broken-reads.js'
import { bucketContract, type OpenBucket } from './bucket.contract.js'
import { needsService } from './needs-service.js'
import { type OpenRelay, partRelayContract } from './part-relay.contract.js'

/** Runs the contract on a real server, if this run has one; where it must have one, its lack fails. */
export function bucketContractOn(
  name: string,
  serviceUrl: string,
  traits: Pick<OpenBucket, 'pagesUploads'>,
): void {
  needsService(name, serviceUrl, () => {
    bucketContract(name, async () => ({ ...(await openBucket(serviceUrl)), ...traits }))
    partRelayContract(name, () => openBucket(serviceUrl))
    describe(`S3Bucket that refuses to replace, on ${name}`, () => {
      it('says conflict to a second upload of a key, which stays open', () =>
        refusesToReplace(serviceUrl))
    })
    describe(`S3Bucket over a bad line to ${name}`, () => brokenReadsContract(serviceUrl))
  })
}

async function openBucket(serviceUrl: string): Promise<OpenBucket & OpenRelay> {
  const fixture = await createTestBucket(serviceUrl)
  const connection = connectS3(fixture)
  const paged = connectS3({ ...fixture, pageSize: 2 })
  return {
    ...connection,
    smallPages: paged.bucket,
    close: async () => {
      connection.close()
      paged.close()
      await fixture.remove()
    },
  }
}

async function refusesToReplace(serviceUrl: string): Promise<void> {
  const fixture = await createTestBucket(serviceUrl)
  const connection = connectS3({ ...fixture, refuseReplacing: true })
  try {
    const { bucket } = connection
    const key = `${randomUUID()}/once`
    const first = await sendOnePart(connection, key, 'first')
    expect(await bucket.completeMultipartUpload(first)).toEqual({ kind: 'completed' })
    const before = await bucket.headObject(key)
    const second = await sendOnePart(connection, key, 'second')
    expect(await bucket.completeMultipartUpload(second)).toEqual({ kind: 'conflict' })
    expect(await bucket.headObject(key)).toEqual(before)
    expect(await bucket.listParts(second)).toMatchObject({ kind: 'listed', parts: [{ index: 1 }] })
  } finally {
    connection.close()
    await fixture.remove()
  }
}

async function sendOnePart({ bucket, signer }: S3Connection, key: string, text: string) {
  const checksum = 'none'
  const size = text.length
  const opened = await bucket.createMultipartUpload({ key, checksum, metadata: {} })
  const target = { key, ...opened, checksum } as const
  const parts = [{ index: 1, size }]
  const [signed] = await signer.signParts({ ...target, parts, expiresInSeconds: 60 })
  const response = await fetch(signed?.url ?? '', { method: 'PUT', body: text })
  const etag = response.headers.get('etag')?.replaceAll('"', '') ?? ''
  return { ...target, parts: [{ index: 1, etag }], size }
}
