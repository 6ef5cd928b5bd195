import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type BucketReport,
  capabilitiesOf,
  isIncomplete,
  rememberingReport,
} from '../../../src/bucket/index.js'
import { putPart } from '../../../src/bucket/put-part.js'
import { MemoryBucket } from '../../helpers/memory-bucket.js'
import {
  altered,
  memoryProbeSubject,
  probeMemory,
  sdkError,
} from '../../helpers/memory-probe-subject.js'

const ABLE = {
  multipart: 'yes',
  metadataOnHead: 'yes',
  contentLengthEnforced: 'yes',
  partChecksumEnforced: 'yes',
  sha256Root: 'yes',
  fullObjectCrc: { crc64nvme: 'yes', crc32c: 'yes', crc32: 'yes' },
  contentMd5: 'yes',
  ifNoneMatchOnComplete: 'yes',
  completeReplay: 'gone',
  listMultipart: 'exact-key',
}

let memory: MemoryBucket

beforeEach(async () => {
  memory = new MemoryBucket()
  await memory.start()
})

afterEach(async () => {
  expect(memory.openUploads(), 'multipart uploads that the probe left').toEqual([])
  await memory.stop()
})

const modesOf = ({ flags }: BucketReport) => capabilitiesOf(flags).modes
const textsOf = ({ findings }: BucketReport, level: string) =>
  findings.filter((finding) => finding.level === level).map(({ text }) => text)

describe('the probe of a bucket', () => {
  it('finds what an able bucket can do, and leaves nothing there', async () => {
    const keys: string[] = []
    memory.onCall = (name, [request]) => {
      if (name === 'headObject') keys.push(String(request))
    }
    const report = await probeMemory(memoryProbeSubject(memory))
    expect(report).toMatchObject({ flags: ABLE, clockOffsetMs: 0, faults: [] })
    expect(report.findings.map(({ level }) => level)).not.toContain('less')
    expect(modesOf(report)).toEqual(['sha256', 'crc64nvme', 'crc32c', 'crc32', 'md5', 'none'])
    expect(isIncomplete(report)).toBe(false)
    expect(new Set(keys).size).toBe(1)
    expect(memory.object(keys[0] ?? '')).toBeUndefined()
  })

  it('leaves one object, always the same, where it may not delete', async () => {
    const deleteObject = async () => {
      throw sdkError('AccessDenied', 403)
    }
    const subject = memoryProbeSubject(memory, { deleteObject })
    const keys = new Set<unknown>()
    memory.onCall = (name, [request]) => {
      if (name === 'createMultipartUpload') keys.add((request as { key: string }).key)
    }
    for (let time = 0; time < 2; time++) {
      expect(await probeMemory(subject)).toMatchObject({ flags: ABLE })
    }
    expect([...keys]).toEqual(['in/.partway-probe/object'])
    expect(memory.object('in/.partway-probe/object')?.size).toBeLessThan(100)
  })

  it('says no of every mode whose value is not compared at completion', async () => {
    const bucket = altered(memory, {
      completeMultipartUpload: ({ digest: _, ...request }) =>
        memory.completeMultipartUpload(request),
    })
    const report = await probeMemory(memoryProbeSubject(memory, { bucket }))
    expect(report.flags).toMatchObject({
      sha256Root: 'no',
      fullObjectCrc: { crc64nvme: 'no', crc32c: 'no', crc32: 'no' },
      contentMd5: 'yes',
    })
    expect(modesOf(report)).toEqual(['md5', 'none'])
    expect(textsOf(report, 'less')).toHaveLength(4)
  })

  it('says no of every mode whose value HEAD does not give back', async () => {
    const bucket = altered(memory, {
      headObject: async (key) => {
        const head = await memory.headObject(key)
        return head.kind === 'absent' ? head : { ...head, object: { ...head.object, digests: {} } }
      },
    })
    expect(modesOf(await probeMemory(memoryProbeSubject(memory, { bucket })))).toEqual([
      'md5',
      'none',
    ])
  })

  it('says no of the CRCs to which the bucket answers 501, and of nothing else', async () => {
    const bucket = altered(memory, {
      createMultipartUpload: async (request) => {
        if (request.checksum.startsWith('crc')) throw sdkError('NotImplemented', 501)
        return memory.createMultipartUpload(request)
      },
    })
    const report = await probeMemory(memoryProbeSubject(memory, { bucket }))
    expect(modesOf(report)).toEqual(['sha256', 'md5', 'none'])
    expect(report.faults).toEqual([])
  })

  it('calls a bucket broken that drops the metadata', async () => {
    const bucket = altered(memory, {
      headObject: async (key) => {
        const head = await memory.headObject(key)
        return head.kind === 'absent' ? head : { ...head, object: { ...head.object, metadata: {} } }
      },
    })
    const report = await probeMemory(memoryProbeSubject(memory, { bucket }))
    expect(report.flags).toMatchObject({ metadataOnHead: 'no', sha256Root: 'yes' })
    expect(textsOf(report, 'broken')).toEqual([expect.stringContaining('metadata')])
  })

  it('calls a bucket broken that takes no multipart uploads', async () => {
    const bucket = altered(memory, {
      createMultipartUpload: async () => {
        throw sdkError('NotImplemented', 501)
      },
    })
    const report = await probeMemory(memoryProbeSubject(memory, { bucket }))
    expect(report.flags).toMatchObject({ multipart: 'no', metadataOnHead: 'unknown' })
    expect(textsOf(report, 'broken')).toEqual([expect.stringContaining('multipart')])
  })

  it('sees that If-None-Match is ignored', async () => {
    const report = await probeMemory(memoryProbeSubject(memory, { unreplacing: memory }))
    expect(report.flags).toEqual({ ...ABLE, ifNoneMatchOnComplete: 'no' })
  })

  it('sees that other bytes of the same length are taken', async () => {
    const report = await probeMemory(memoryProbeSubject(memory), {
      put: async (part) =>
        String(part.body).includes('qrobe') ? { status: 200, etag: '"x"' } : putPart(part),
    })
    expect(report.flags).toMatchObject({
      contentLengthEnforced: 'yes',
      partChecksumEnforced: 'no',
    })
    expect(modesOf(report)).toEqual(['none'])
  })

  it('sees that a longer body is taken', async () => {
    const report = await probeMemory(memoryProbeSubject(memory), {
      put: async (part) =>
        String(part.body).endsWith('probes') ? { status: 200, etag: '"x"' } : putPart(part),
    })
    expect(report.flags).toEqual({ ...ABLE, contentLengthEnforced: 'no' })
    expect(textsOf(report, 'less')).toEqual([expect.stringContaining('length')])
  })

  it.each([
    ['prefix', (key: string, prefix: string) => key.startsWith(prefix)],
    ['exact-key', (key: string, prefix: string) => key === prefix],
    ['none', () => false],
  ])('sees that multipart uploads are listed by: %s', async (listMultipart, isListed) => {
    const listMultipartIds = async (prefix: string) =>
      memory
        .openUploads()
        .flatMap(({ key, multipartId }) => (isListed(key, prefix) ? multipartId : []))
    const report = await probeMemory(memoryProbeSubject(memory, { listMultipartIds }))
    expect(report.flags).toEqual({ ...ABLE, listMultipart })
  })

  it.each([403, 404, 500, 503])('does not take %d for a no', async (status) => {
    const bucket = altered(memory, {
      createMultipartUpload: async () => {
        throw sdkError('Fault', status)
      },
    })
    const report = await probeMemory(memoryProbeSubject(memory, { bucket }))
    expect(JSON.stringify(report.flags)).not.toContain('"no"')
    expect(modesOf(report)).toContain('sha256')
    expect(isIncomplete(report)).toBe(true)
    expect(report.faults[0]).toBe(`a plain upload (Fault, ${status})`)
    expect(JSON.stringify(report)).not.toContain('bucket.example')
  })

  it('does not take refused PUTs for a check of their bytes when the right ones are refused too', async () => {
    const report = await probeMemory(memoryProbeSubject(memory), {
      put: async () => ({ status: 403, etag: undefined }),
    })
    expect(report.flags).toMatchObject({
      multipart: 'unknown',
      contentLengthEnforced: 'unknown',
      partChecksumEnforced: 'unknown',
      sha256Root: 'unknown',
    })
  })

  it('takes an object of another probe for no answer', async () => {
    const bucket = altered(memory, {
      headObject: async (key) => {
        const head = await memory.headObject(key)
        const metadata = { 'partway-token': 'probe.another' }
        return head.kind === 'absent' ? head : { ...head, object: { ...head.object, metadata } }
      },
    })
    const report = await probeMemory(memoryProbeSubject(memory, { bucket }))
    expect(report.flags).toMatchObject({ metadataOnHead: 'unknown', sha256Root: 'unknown' })
    expect(textsOf(report, 'broken')).toEqual([])
  })

  it('asks no further when the bucket is away', async () => {
    memory.onCall = () => {
      throw new Error('away')
    }
    const report = await probeMemory(memoryProbeSubject(memory))
    expect(memory.calls).toEqual(['check'])
    expect(modesOf(report)).toContain('sha256')
    expect(isIncomplete(report)).toBe(true)
  })

  it('says which clock is ahead', async () => {
    const ahead = await probeMemory(
      memoryProbeSubject(memory, { clockOffset: async () => -90_000 }),
    )
    expect(textsOf(ahead, 'less')).toEqual([expect.stringContaining('90 s ahead of the bucket')])
    const behind = await probeMemory(memoryProbeSubject(memory, { clockOffset: async () => 6_000 }))
    expect(textsOf(behind, 'less')).toEqual([expect.stringContaining('6 s behind the bucket')])
  })
})

describe('a second report', () => {
  it('keeps what was known of whatever could not be found out this time', async () => {
    const without = altered(memory, {
      createMultipartUpload: async (request) => {
        if (request.checksum === 'sha256') throw sdkError('NotImplemented', 501)
        return memory.createMultipartUpload(request)
      },
    })
    const first = await probeMemory(memoryProbeSubject(memory, { bucket: without }))
    memory.onCall = () => {
      throw new Error('away')
    }
    const second = await probeMemory(memoryProbeSubject(memory))
    const both = rememberingReport(first, second)
    expect(both.flags).toEqual(first.flags)
    expect(modesOf(both)).not.toContain('sha256')
    expect(textsOf(both, 'less')).toEqual(textsOf(first, 'less'))
  })
})
