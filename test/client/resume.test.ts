import { describe, expect, it } from 'vitest'
import { UploadFixture } from './support/upload-fixture.js'

describe('going on with an upload', () => {
  it('sends only the missing parts', async () => {
    const fixture = new UploadFixture()
    for (const index of [1, 2, 5]) fixture.service.keep(index, fixture.part(index))
    await fixture.upload()
    expect(new Set(fixture.service.puts)).toEqual(new Set([3, 4, 6, 7, 8, 9, 10]))
    expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
  })

  it('tells what was skipped', async () => {
    const fixture = new UploadFixture()
    for (const index of [1, 10]) fixture.service.keep(index, fixture.part(index))
    await fixture.upload()
    expect(fixture.eventsOf('resumed')).toMatchObject([{ skippedParts: 2, skippedBytes: 15 }])
    const { events } = fixture
    const after = events.slice(events.findIndex(({ type }) => type === 'resumed'))
    expect(after.find(({ type }) => type === 'progress')).toMatchObject({ acknowledgedBytes: 15 })
  })

  it.each(['sha256', 'md5', 'none'] as const)(
    'sends a part again that differs from the local bytes, with checksum %s',
    async (mode) => {
      const fixture = new UploadFixture({ mode })
      fixture.service.keep(1, fixture.part(1))
      fixture.service.keep(2, Buffer.alloc(10, 7))
      await fixture.upload()
      expect(fixture.service.puts).not.toContain(1)
      expect(fixture.service.puts.filter((index) => index === 2)).toHaveLength(1)
      expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
    },
  )

  it.each(['md5', 'none'] as const)(
    'with checksum %s sends a part again whose ETag is no MD5, because nothing proves it',
    async (mode) => {
      const fixture = new UploadFixture({ mode })
      fixture.service.keep(1, fixture.part(1))
      const part = fixture.service.stored.get(1)
      if (part) fixture.service.stored.set(1, { ...part, etag: 'kms-something-else' })
      await fixture.upload()
      expect(fixture.service.puts).toContain(1)
    },
  )

  it('takes the word of the bucket, not of the coordinator, for what is there', async () => {
    const fixture = new UploadFixture()
    for (const index of [1, 2, 3]) fixture.service.keep(index, fixture.part(index))
    fixture.service.stored.delete(2)
    fixture.service.keep(4, fixture.part(4))
    fixture.service.reported.delete(4)
    await fixture.upload()
    expect(fixture.service.puts).toContain(2)
    expect(fixture.service.puts).not.toContain(4)
  })

  it('finds in the bucket what the coordinator was told nothing of', async () => {
    const fixture = new UploadFixture()
    for (const index of [1, 2]) fixture.service.keep(index, fixture.part(index))
    fixture.service.reported.clear()
    await fixture.upload()
    expect(fixture.service.puts).toEqual([3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('asks for the parts of a new upload no further', async () => {
    const fixture = new UploadFixture()
    await fixture.upload()
    expect(fixture.service.count('status')).toBe(0)
  })

  it('reads each byte once, also of parts that are compared and sent again', async () => {
    const fixture = new UploadFixture()
    fixture.service.keep(1, fixture.part(1))
    fixture.service.keep(2, Buffer.alloc(10))
    await fixture.upload()
    expect(fixture.file.reads).toHaveLength(10)
  })

  it('compares no more parts at a time than it sends', async () => {
    const fixture = new UploadFixture()
    for (let index = 1; index <= 10; index++) fixture.service.keep(index, fixture.part(index))
    await fixture.upload({ concurrency: 2 })
    expect(fixture.file.buffers.size).toBeLessThanOrEqual(2)
    expect(fixture.service.puts).toEqual([])
  })

  it('begins again by itself when the store has lost the upload', async () => {
    const fixture = new UploadFixture()
    const { service } = fixture
    service.onCall = (call) => {
      if (call === 'parts' && service.count('put 4') > 0 && service.count('init') === 1) {
        service.uploadId = 'another-id'
        service.reported.clear()
      }
      return undefined
    }
    const { uploadId } = await fixture.upload()
    expect(uploadId).toBe('another-id')
    expect(service.count('init')).toBe(2)
    // The parts that had arrived are found in the bucket by the second beginning.
    expect(service.puts.filter((index) => index === 1)).toHaveLength(1)
    expect(service.object.equals(fixture.file.bytes)).toBe(true)
  })

  it('gives up beginning again when it is to no avail', async () => {
    const fixture = new UploadFixture()
    fixture.service.onCall = (call) => {
      if (call === 'parts') fixture.service.uploadId = `id-${Math.random()}`
      return undefined
    }
    expect((await fixture.failure()).code).toBe('UPLOAD_NOT_FOUND')
    expect(fixture.service.count('init')).toBe(3)
  })
})

describe('an upload that is stopped', () => {
  it('stops sending, reports what has arrived, and can go on', async () => {
    const fixture = new UploadFixture()
    const stop = new AbortController()
    const onEvent = () => {
      if (fixture.service.stored.size >= 3) stop.abort()
    }
    const error = await fixture.failure({ signal: stop.signal, onEvent })
    expect(error.code).toBe('INTERRUPTED')
    expect(error.details.uploadId).toBe(fixture.service.uploadId)
    expect(fixture.service.putsInFlight).toBe(0)
    expect([...fixture.service.reported.keys()].sort()).toEqual(
      [...fixture.service.stored.keys()].sort(),
    )
    const sentBefore = new Set(fixture.service.stored.keys())
    fixture.service.log.length = 0
    await fixture.upload()
    expect(fixture.service.puts.some((index) => sentBefore.has(index))).toBe(false)
    expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
  })

  it('leaves within two seconds when the server does not take the last report', async () => {
    const fixture = new UploadFixture()
    const stop = new AbortController()
    let stoppedAt = 0
    fixture.service.onCall = (call) =>
      call === 'parts' && stop.signal.aborted ? 'hang' : undefined
    const onEvent = () => {
      if (stop.signal.aborted || fixture.service.stored.size < 3) return
      stoppedAt = fixture.clock.now()
      stop.abort()
    }
    expect((await fixture.failure({ signal: stop.signal, onEvent })).code).toBe('INTERRUPTED')
    expect(fixture.clock.now() - stoppedAt).toBeLessThanOrEqual(2_000)
  })

  it('does nothing when it was stopped before it began', async () => {
    const fixture = new UploadFixture()
    const error = await fixture.failure({ signal: AbortSignal.abort() })
    expect(error.code).toBe('INTERRUPTED')
    expect(fixture.service.puts).toEqual([])
  })
})

describe('a file that changes while it is uploaded', () => {
  it('is given up when its version changes between parts', async () => {
    const fixture = new UploadFixture()
    fixture.file.onRead = (offset) => {
      if (offset === 50) fixture.file.present = 'v2'
    }
    expect((await fixture.failure()).code).toBe('FILE_CHANGED')
    expect(fixture.service.puts).not.toContain(6)
    expect(fixture.service.count('complete')).toBe(0)
  })

  it('is given up when it has become shorter', async () => {
    const fixture = new UploadFixture()
    fixture.file.bytes = fixture.file.bytes.subarray(0, 80)
    expect((await fixture.failure()).code).toBe('FILE_CHANGED')
    expect(fixture.service.count('complete')).toBe(0)
  })

  it('is given up when it changes after the last part was read', async () => {
    const fixture = new UploadFixture()
    fixture.service.onPut = (index) => {
      if (index === 10) fixture.file.present = 'v2'
      return undefined
    }
    expect((await fixture.failure({ concurrency: 1 })).code).toBe('FILE_CHANGED')
    expect(fixture.service.puts).toHaveLength(10)
    expect(fixture.service.count('complete')).toBe(0)
  })
})
