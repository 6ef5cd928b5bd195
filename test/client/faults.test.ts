import { describe, expect, it } from 'vitest'
import { type Fault, problem, s3Error } from './support/fake-service.js'
import { UploadFixture } from './support/upload-fixture.js'

/** A fixture whose bucket answers part 3 with `fault` on its first `times` attempts. */
function withPutFault(fault: Fault, times = 1): UploadFixture {
  const fixture = new UploadFixture()
  fixture.service.onPut = (index, attempt) => (index === 3 && attempt <= times ? fault : undefined)
  return fixture
}

function putsOfThree({ service }: UploadFixture): number {
  return service.puts.filter((index) => index === 3).length
}

describe('a part that the bucket does not take', () => {
  it.each([
    ['a reset connection', 'reset'],
    ['HTTP 500', s3Error(500, 'InternalError')],
    ['HTTP 503', s3Error(503, 'SlowDown')],
    ['HTTP 429', s3Error(429, 'TooManyRequests')],
    ['a timeout that S3 calls 400', s3Error(400, 'RequestTimeout')],
    ['a 200 without ETag, as of a captive portal', { status: 200, headers: {}, body: '<html>' }],
  ] as const)('is sent again after %s', async (_, fault) => {
    const fixture = withPutFault(fault, 2)
    await fixture.upload()
    expect(putsOfThree(fixture)).toBe(3)
    expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
    expect(
      fixture.eventsOf('retry').every(({ what, index }) => what === 'part' && index === 3),
    ).toBe(true)
  })

  it('is tried eight times with growing pauses, then the bucket is called unreachable', async () => {
    const fixture = withPutFault('reset', 99)
    const error = await fixture.failure()
    expect(error.code).toBe('BUCKET_UNREACHABLE')
    expect(error.message).toContain('ECONNRESET')
    expect(putsOfThree(fixture)).toBe(8)
    expect(fixture.eventsOf('retry').map(({ delayMs }) => delayMs)).toEqual([
      150, 300, 600, 1_200, 2_400, 4_800, 5_000,
    ])
  })

  it('waits as long as the bucket asks for', async () => {
    const fixture = withPutFault(s3Error(503, 'SlowDown', { 'retry-after': '7' }))
    await fixture.upload()
    expect(fixture.eventsOf('retry')[0]?.delayMs).toBe(7_150)
  })

  it('is not waited for longer than is reasonable', async () => {
    const fixture = withPutFault(s3Error(503, 'SlowDown', { 'retry-after': '3600' }))
    expect((await fixture.failure()).code).toBe('BUCKET_UNREACHABLE')
    expect(putsOfThree(fixture)).toBe(1)
  })

  it('is tried again when no byte has moved for a minute', async () => {
    const fixture = withPutFault('hang')
    await fixture.upload()
    expect(putsOfThree(fixture)).toBe(2)
    expect(fixture.eventsOf('retry')[0]?.reason).toContain('Nothing moved for 60000 ms')
    expect(fixture.clock.now()).toBeGreaterThan(60_000)
    expect(fixture.clock.now()).toBeLessThan(70_000)
  })

  it('does not count twice', async () => {
    const fixture = withPutFault('reset', 3)
    await fixture.upload()
    expect(fixture.eventsOf('progress').every((event) => event.acknowledgedBytes <= 95)).toBe(true)
    expect(fixture.eventsOf('progress').at(-1)).toMatchObject({
      acknowledgedBytes: 95,
      inFlightBytes: 0,
    })
  })
})

describe('a URL that is no longer good', () => {
  it.each([s3Error(403, 'AccessDenied'), s3Error(400, 'ExpiredToken')])(
    'is replaced by a fresh one',
    async (fault) => {
      const fixture = withPutFault(fault)
      const urls: string[] = []
      const { onPut } = fixture.service
      fixture.service.onPut = (index, attempt, url) => {
        if (index === 3) urls.push(url.href)
        return onPut(index, attempt, url)
      }
      await fixture.upload()
      expect(new Set(urls).size).toBe(2)
    },
  )

  it('is replaced before it is used again once its time is over', async () => {
    const fixture = withPutFault('reset', 4)
    fixture.service.expiresIn = 1
    const urls = new Set<string>()
    const { onPut } = fixture.service
    fixture.service.onPut = (index, attempt, url) => {
      if (index === 3) urls.add(url.href)
      return onPut(index, attempt, url)
    }
    await fixture.upload()
    expect(urls.size).toBeGreaterThan(1)
    expect(urls.size).toBeLessThan(5)
  })

  it('is an error that says so when the fresh one is refused too', async () => {
    const fixture = withPutFault(s3Error(403, 'SignatureDoesNotMatch'), 99)
    const error = await fixture.failure()
    expect(error.code).toBe('BUCKET_REFUSED')
    expect(error.message).toContain('HTTP 403 SignatureDoesNotMatch, even with a fresh URL')
    expect(error.details.request).toBe('PUT https://bucket.test/k')
    expect(putsOfThree(fixture)).toBe(2)
    expect(fixture.service.count('complete')).toBe(0)
  })
})

describe('URLs that expire while the part is on its way', () => {
  it('are replaced more than once', async () => {
    const fixture = withPutFault(s3Error(403, 'AccessDenied'), 4)
    fixture.service.expiresIn = 0
    await fixture.upload()
    expect(putsOfThree(fixture)).toBe(5)
  })

  it('are an error that says so in the end', async () => {
    const fixture = withPutFault(s3Error(403, 'AccessDenied'), 99)
    fixture.service.expiresIn = 0
    const error = await fixture.failure()
    expect(error.code).toBe('BUCKET_REFUSED')
    expect(error.message).toContain('its URLs expire before they can be used')
    expect(putsOfThree(fixture)).toBe(8)
  })
})

describe('a checksum that the bucket does not find', () => {
  it('makes the part be read again and sent once more', async () => {
    const fixture = withPutFault(s3Error(400, 'BadDigest'))
    await fixture.upload()
    expect(fixture.file.reads.filter((offset) => offset === 20)).toHaveLength(2)
    expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
  })

  it('is an error the second time', async () => {
    const fixture = withPutFault(s3Error(400, 'XAmzContentChecksumMismatch'), 99)
    expect((await fixture.failure()).code).toBe('CHECKSUM_MISMATCH')
    expect(putsOfThree(fixture)).toBe(2)
  })
})

it('does not insist where the bucket refuses for good', async () => {
  const fixture = withPutFault(s3Error(400, 'EntityTooLarge'), 99)
  const error = await fixture.failure()
  expect(error.code).toBe('BUCKET_REFUSED')
  expect(error.message).toContain('part 3 (HTTP 400 EntityTooLarge)')
  expect(putsOfThree(fixture)).toBe(1)
})

it('begins again when the bucket no longer has the multipart upload', async () => {
  const fixture = new UploadFixture()
  const { service } = fixture
  let isLost = false
  service.onPut = (index) => {
    if (index !== 6 || isLost) return undefined
    isLost = true
    service.stored.clear()
    service.reported.clear()
    return s3Error(404, 'NoSuchUpload')
  }
  await fixture.upload()
  expect(service.count('init')).toBe(2)
  expect(service.count('status')).toBe(1)
  expect(service.object.equals(fixture.file.bytes)).toBe(true)
})

describe('parts that are missing at completion', () => {
  it('are sent again, exactly those', async () => {
    const fixture = new UploadFixture()
    const { service } = fixture
    service.onCall = (call) => {
      if (call !== 'complete' || service.count('complete') > 1) return undefined
      for (const index of [4, 5, 9]) service.stored.delete(index)
      return undefined
    }
    await fixture.upload()
    expect(service.puts.slice(10).sort()).toEqual([4, 5, 9])
    expect(service.object.equals(fixture.file.bytes)).toBe(true)
  })

  it('are sent three times at most', async () => {
    const fixture = new UploadFixture()
    const { service } = fixture
    service.onCall = (call) => {
      if (call === 'complete') service.stored.delete(7)
      return undefined
    }
    const error = await fixture.failure()
    expect(error.code).toBe('PARTS_MISSING')
    expect(error.missing).toEqual([[7, 7]])
    expect(service.puts.filter((index) => index === 7)).toHaveLength(4)
  })

  it('are an error when they are none of the upload', async () => {
    const fixture = new UploadFixture()
    fixture.service.onCall = (call) =>
      call === 'complete' ? problem('PARTS_MISSING', { missing: [[1, 4_000_000]] }) : undefined
    expect((await fixture.failure()).code).toBe('PARTS_MISSING')
    expect(fixture.service.puts).toHaveLength(10)
  })
})

describe('the coordinator being away', () => {
  it.each(['init', 'parts', 'complete'])('is sat out in %s', async (name) => {
    const fixture = new UploadFixture()
    let away = 3
    fixture.service.onCall = (call) => (call === name && away-- > 0 ? 'reset' : undefined)
    await fixture.upload()
    expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
    expect(fixture.eventsOf('retry').map(({ what }) => what)).toEqual([name, name, name])
  })

  it('ends the upload after eight tries', async () => {
    const fixture = new UploadFixture()
    fixture.service.onCall = () => 'reset'
    const error = await fixture.failure()
    expect(error.code).toBe('SERVER_UNREACHABLE')
    expect(error.details.request).toBe('POST https://partway.test/upload/init')
    expect(fixture.service.count('init')).toBe(8)
  })

  it('is noticed when it takes a call and never answers', async () => {
    const fixture = new UploadFixture()
    fixture.service.onCall = (call) =>
      call === 'init' && fixture.service.count('init') === 1 ? 'hang' : undefined
    await fixture.upload()
    expect(fixture.service.count('init')).toBe(2)
  })

  it('is waited for as long as it asks', async () => {
    const fixture = new UploadFixture()
    let away = 1
    fixture.service.onCall = (call) =>
      call === 'parts' && away-- > 0
        ? problem('STORE_UNAVAILABLE', { retry_after_ms: 4_000 })
        : undefined
    await fixture.upload()
    expect(fixture.eventsOf('retry')[0]).toMatchObject({ what: 'parts', delayMs: 4_150 })
  })

  it('is told from a refusal, which is not repeated', async () => {
    const fixture = new UploadFixture()
    fixture.service.onCall = (call) =>
      call === 'init'
        ? problem('FILE_TOO_LARGE', { detail: 'size is too large', max_size: 1, request_id: 'r1' })
        : undefined
    const error = await fixture.failure()
    expect(error).toMatchObject({ code: 'FILE_TOO_LARGE', status: 413, requestId: 'r1' })
    expect(error.message).toBe('size is too large')
    expect(fixture.service.count('init')).toBe(1)
  })
})
