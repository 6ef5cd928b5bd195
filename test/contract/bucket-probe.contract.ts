import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { capabilitiesOf, connectS3 } from '../../src/bucket/index.js'
import { CHECKSUM_MODES } from '../../src/protocol/index.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { needsService } from './needs-service.js'

/** What all do; how they differ is given with each. */
const COMMON = {
  multipart: 'yes',
  metadataOnHead: 'yes',
  contentLengthEnforced: 'yes',
  partChecksumEnforced: 'yes',
  sha256Root: 'yes',
  fullObjectCrc: { crc64nvme: 'yes', crc32c: 'yes', crc32: 'yes' },
  contentMd5: 'yes',
  ifNoneMatchOnComplete: 'yes',
}

/** In what the servers differ. */
export interface Dialect {
  readonly completeReplay: 'completed' | 'gone'
  readonly listMultipart: 'prefix' | 'exact-key'
}

/** What the probe finds out about a real server, and leaves there. */
export function probeContract(name: string, url: string, dialect: Dialect): void {
  describe(`the probe on ${name}`, () => {
    needsService(name, url, () => {
      const HOUR = 3_600_000

      async function probing(clock: { now: () => number }, fixture: TestBucket) {
        const connection = connectS3({ ...fixture, publicEndpoint: 'https://elsewhere.invalid' })
        try {
          return await connection.probe({ keyPrefix: 'in/', clock })
        } finally {
          connection.close()
        }
      }

      it('finds what it can do, and leaves nothing there', async () => {
        const fixture = await createTestBucket(url)
        try {
          const report = await probing({ now: () => Date.now() }, fixture)
          expect(report.faults).toEqual([])
          expect(report.flags).toEqual({ ...COMMON, ...dialect })
          expect(capabilitiesOf(report.flags).modes).toEqual(CHECKSUM_MODES)
          expect(Math.abs(report.clockOffsetMs ?? Number.NaN)).toBeLessThan(5_000)
          const at = { Bucket: fixture.bucket }
          const objects = await fixture.client.send(new ListObjectsV2Command(at))
          expect(objects.Contents ?? []).toEqual([])
          const uploads = await fixture.client.send(new ListMultipartUploadsCommand(at))
          expect(uploads.Uploads ?? []).toEqual([])
        } finally {
          await fixture.remove()
        }
      })

      it.each([-HOUR, HOUR])(
        'works with a clock that is %d ms off, and measures it',
        async (off) => {
          const fixture = await createTestBucket(url)
          try {
            const report = await probing({ now: () => Date.now() + off }, fixture)
            expect(report.flags).toEqual({ ...COMMON, ...dialect })
            expect(Math.abs((report.clockOffsetMs ?? 0) + off)).toBeLessThan(5_000)
          } finally {
            await fixture.remove()
          }
        },
      )

      it('is not disturbed by other probes of the same bucket', async () => {
        const fixture = await createTestBucket(url)
        try {
          const clock = { now: () => Date.now() }
          const reports = await Promise.all([1, 2, 3].map(() => probing(clock, fixture)))
          for (const { flags } of reports) expect(flags).toEqual({ ...COMMON, ...dialect })
        } finally {
          await fixture.remove()
        }
      })
    })
  })
}
