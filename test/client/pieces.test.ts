import { describe, expect, it } from 'vitest'
import type { ChecksumMode } from '../../src/protocol/index.js'
import { FakeFile } from './support/fake-file.js'
import { sha256 } from './support/fake-hasher.js'
import { UploadFixture } from './support/upload-fixture.js'

/** As of a browser: what is sent is a piece of the file, and not the bytes that were hashed. */
function byPieces(size: number, mode: ChecksumMode = 'sha256'): UploadFixture {
  const fixture = new UploadFixture({ size, mode })
  const { file } = fixture
  const piece = (offset: number, length: number) => ({
    ...FakeFile.prototype.piece.call(file, offset, length),
    body: new Blob([Uint8Array.from(file.bytes.subarray(offset, offset + length))]),
  })
  Object.assign(file, { piece })
  return fixture
}

async function bytesOf(piece: Blob): Promise<Uint8Array> {
  return new Uint8Array(await piece.arrayBuffer())
}

describe('a file that is sent by pieces', () => {
  it('arrives whole, with no more memory than for what is read at a time', async () => {
    const fixture = byPieces(400)
    await fixture.upload({ concurrency: 6 })
    expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
    expect(fixture.service.mostPutsInFlight).toBe(6)
    expect(fixture.file.buffers.size).toBeLessThanOrEqual(4)
    expect(fixture.file.reads).toHaveLength(40)
  })

  it('asks for the URLs of several parts in one call, as long as others are there to be sent', async () => {
    const fixture = byPieces(400)
    await fixture.upload({ concurrency: 6 })
    expect(fixture.service.count('parts')).toBeLessThanOrEqual(12)
  })

  it('is not read here where something else reads and hashes it', async () => {
    const fixture = byPieces(400)
    const hashPiece = async (_: string, piece: Blob) => sha256(await bytesOf(piece))
    Object.assign(fixture.hasher, { hashPiece })
    await fixture.upload({ concurrency: 6 })
    expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
    expect(fixture.file.reads).toEqual([])
    expect(fixture.file.buffers.size).toBe(0)
  })

  it('is read here where nothing else can, as far as it cannot', async () => {
    const fixture = byPieces(95)
    const third = fixture.part(3)
    const hashPiece = async (_: string, piece: Blob) => {
      const bytes = await bytesOf(piece)
      return third.equals(bytes) ? undefined : sha256(bytes)
    }
    Object.assign(fixture.hasher, { hashPiece })
    await fixture.upload({ concurrency: 6 })
    expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
    expect(fixture.file.reads).toEqual([20])
  })

  it('is read by nobody but the bucket when its parts have no checksum', async () => {
    const fixture = byPieces(95, 'none')
    await fixture.upload({ concurrency: 6 })
    expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
    expect(fixture.file.reads).toEqual([])
  })

  it('leaves nobody waiting when it is stopped while a part waits for others to share a call', async () => {
    const fixture = byPieces(70)
    const { service, clock } = fixture
    service.onPut = () => 'hang'
    const stop = new AbortController()
    const last = fixture.part(7)
    const hashPiece = async (_: string, piece: Blob) => {
      const bytes = await bytesOf(piece)
      if (last.equals(bytes)) await clock.sleep(100, stop.signal)
      return sha256(bytes)
    }
    Object.assign(fixture.hasher, { hashPiece })
    let asked: number[] = []
    clock.sleep(1_000, stop.signal).then(() => {
      asked = service.log.flatMap(({ body }) => body.sign?.map(({ index }) => index) ?? [])
      stop.abort(new Error('stopped'))
    })
    const upload = fixture.upload({ concurrency: 6, signal: stop.signal })
    await expect(upload).rejects.toThrow('stopped')
    expect(asked).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('gets a fresh URL for the only part that is sent, while others wait for it', async () => {
    const fixture = byPieces(200)
    const expired = { status: 403, headers: {}, body: '<Error><Code>AccessDenied</Code></Error>' }
    fixture.service.onPut = (_, attempt) => (attempt === 1 ? expired : undefined)
    await fixture.upload({ concurrency: 1 })
    expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
  })

  it('is known to be changed when the pieces cannot be sent any more', async () => {
    const fixture = byPieces(95)
    fixture.service.onPut = () => {
      fixture.file.present = 'v2'
      return 'reset'
    }
    expect((await fixture.failure({ concurrency: 6 })).code).toBe('FILE_CHANGED')
    expect(fixture.clock.now()).toBeLessThan(1_000)
  })
})
