import { describe, expect, it } from 'vitest'
import { rootOf, sha256 } from './support/fake-hasher.js'
import { json, problem } from './support/fake-service.js'
import { UploadFixture } from './support/upload-fixture.js'

describe('uploadFile', () => {
  it('brings every byte to the bucket and resolves to the object', async () => {
    const fixture = new UploadFixture()
    const { uploadId, object } = await fixture.upload()
    expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
    expect(uploadId).toBe(fixture.service.uploadId)
    expect(object).toMatchObject({ key: 'id/film.mkv', size: 95 })
  })

  it.each(['sha256', 'md5', 'none'] as const)('works with checksum %s', async (mode) => {
    const fixture = new UploadFixture({ mode })
    await fixture.upload()
    expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
  })

  it.each([1, 9, 10, 11, 20])('sends a file of %i bytes in parts of ten', async (size) => {
    const fixture = new UploadFixture({ size })
    await fixture.upload()
    expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
    expect(fixture.service.puts).toHaveLength(Math.ceil(size / 10))
  })

  it('reads and hashes each byte once', async () => {
    const fixture = new UploadFixture()
    await fixture.upload()
    expect([...fixture.file.reads].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 10 }, (_, i) => i * 10),
    )
    expect(fixture.hasher.hashed).toBe(95)
  })

  it.each([1, 3])('keeps %i parts in flight and as many buffers', async (concurrency) => {
    const fixture = new UploadFixture()
    await fixture.upload({ concurrency })
    expect(fixture.service.mostPutsInFlight).toBe(concurrency)
    expect(fixture.file.buffers.size).toBe(concurrency)
  })

  it('sends the digest of all parts with the completion', async () => {
    const fixture = new UploadFixture()
    await fixture.upload()
    const checksums = Array.from({ length: 10 }, (_, i) => sha256(fixture.part(i + 1)))
    const complete = fixture.service.log.find(({ call }) => call === 'complete')
    expect(complete?.body.digest).toBe(rootOf(checksums))
  })

  it('asks for several URLs and reports arrived parts in one call', async () => {
    const fixture = new UploadFixture({ size: 400 })
    await fixture.upload({ concurrency: 8 })
    const calls = fixture.service.log.filter(({ call }) => call === 'parts')
    expect(calls.length).toBeLessThan(40)
    expect(calls.some(({ body }) => (body.sign?.length ?? 0) > 1)).toBe(true)
    expect(calls.some(({ body }) => (body.uploaded?.length ?? 0) > 0)).toBe(true)
  })

  it('is done at once when the server has the object already', async () => {
    const fixture = new UploadFixture()
    await fixture.upload()
    const putsBefore = fixture.service.puts.length
    const { object } = await fixture.upload()
    expect(object.key).toBe('id/film.mkv')
    expect(fixture.service.puts).toHaveLength(putsBefore)
  })

  it('waits while another caller is completing', async () => {
    const fixture = new UploadFixture()
    let busy = 2
    fixture.service.onCall = (call) =>
      call === 'complete' && busy-- > 0
        ? problem('COMPLETION_IN_PROGRESS', { state: 'completing', retry_after_ms: 700 })
        : undefined
    await fixture.upload()
    expect(fixture.service.count('complete')).toBe(3)
    expect(fixture.service.puts).toHaveLength(10)
  })

  it('waits while the server verifies the finished object', async () => {
    const fixture = new UploadFixture()
    fixture.service.verifications = 12
    const { object } = await fixture.upload()
    expect(object.size).toBe(95)
    expect(fixture.service.count('complete')).toBe(1)
    expect(fixture.service.count('status')).toBe(12)
  })

  it('asks for the verification no sooner than the server wants to be asked', async () => {
    const fixture = new UploadFixture()
    fixture.service.verifications = 1
    let completedAt = 0
    let askedAt = 0
    fixture.service.onCall = (call) => {
      if (call === 'complete') completedAt = fixture.clock.now()
      if (call === 'status') askedAt = fixture.clock.now()
      return undefined
    }
    await fixture.upload()
    expect(askedAt - completedAt).toBeGreaterThanOrEqual(2_000)
  })

  it('fails when the verification of the finished object does', async () => {
    const fixture = new UploadFixture()
    fixture.service.verifications = 3
    fixture.service.onCall = (call) => {
      if (call === 'status') fixture.service.state = 'failed'
      return undefined
    }
    const error = await fixture.failure()
    expect(error).toMatchObject({ code: 'CHECKSUM_MISMATCH', details: { state: 'failed' } })
  })

  it('takes over an upload that somebody else has just begun to complete', async () => {
    const fixture = new UploadFixture()
    fixture.service.onCall = (call) => {
      if (call !== 'parts' || fixture.service.count('put 3') === 0) return undefined
      for (let index = 1; index <= 10; index++) fixture.service.keep(index, fixture.part(index))
      fixture.service.state = 'completed'
      return problem('WRONG_STATE', { state: 'completed' })
    }
    const { object } = await fixture.upload()
    expect(object.size).toBe(95)
  })

  it('refuses an object that is not as long as the file', async () => {
    const fixture = new UploadFixture()
    const object = { bucket: 'b', key: 'k', size: 94, etag: 'e' }
    fixture.service.onCall = (call) =>
      call === 'complete'
        ? json({ upload_id: fixture.service.uploadId, state: 'completed', object })
        : undefined
    expect((await fixture.failure()).code).toBe('CHECKSUM_MISMATCH')
  })

  it('refuses an object whose digest is not that of the bytes that were read', async () => {
    const fixture = new UploadFixture()
    const object = {
      bucket: 'b',
      key: 'k',
      size: 95,
      etag: 'e',
      digest: rootOf([sha256(Buffer.of(1))]),
    }
    fixture.service.onCall = (call) =>
      call === 'complete'
        ? json({ upload_id: fixture.service.uploadId, state: 'completed', object })
        : undefined
    expect((await fixture.failure()).code).toBe('CHECKSUM_MISMATCH')
  })

  it('refuses an empty file without asking anybody', async () => {
    const fixture = new UploadFixture({ size: 0 })
    expect((await fixture.failure()).code).toBe('FILE_EMPTY')
    expect(fixture.service.log).toEqual([])
  })

  it.each([0, 65, 2.5])('refuses a concurrency of %d', async (concurrency) => {
    const fixture = new UploadFixture()
    expect((await fixture.failure({ concurrency })).code).toBe('INVALID_OPTION')
  })
})

describe('events of an upload', () => {
  it('tell of progress that only grows, part by part, up to the size', async () => {
    const fixture = new UploadFixture()
    await fixture.upload()
    const acknowledged = fixture.eventsOf('progress').map((event) => event.acknowledgedBytes)
    expect(acknowledged).toEqual([...acknowledged].sort((a, b) => a - b))
    expect(new Set(acknowledged).size).toBeGreaterThanOrEqual(10)
    expect(acknowledged.at(-1)).toBe(95)
    expect(fixture.eventsOf('progress').at(-1)?.inFlightBytes).toBe(0)
  })

  it('begin with what the upload is and end with the object', async () => {
    const fixture = new UploadFixture()
    await fixture.upload()
    expect(fixture.events.at(0)).toMatchObject({ type: 'init', size: 95, totalChunks: 10 })
    expect(fixture.events.at(-1)).toMatchObject({ type: 'completed', object: { size: 95 } })
  })
})
