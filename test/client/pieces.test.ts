import { describe, expect, it } from 'vitest'
import { FakeFile } from './support/fake-file.js'
import { UploadFixture } from './support/upload-fixture.js'

/** As of a browser: what is sent is a piece of the file, and not the bytes that were hashed. */
function byPieces(size: number): UploadFixture {
  const fixture = new UploadFixture({ size })
  const { file } = fixture
  const piece = (offset: number, length: number) => ({
    ...FakeFile.prototype.piece.call(file, offset, length),
    body: new Blob([Uint8Array.from(file.bytes.subarray(offset, offset + length))]),
  })
  Object.assign(file, { piece })
  return fixture
}

describe('a file that is sent by pieces', () => {
  it('arrives whole, with no more memory than for what is read at a time', async () => {
    const fixture = byPieces(400)
    await fixture.upload({ concurrency: 6 })
    expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
    expect(fixture.service.mostPutsInFlight).toBe(6)
    expect(fixture.file.buffers.size).toBeLessThanOrEqual(2)
    expect(fixture.file.reads).toHaveLength(40)
  })

  it('asks for the URLs of several parts in one call, as long as others are there to be sent', async () => {
    const fixture = byPieces(400)
    await fixture.upload({ concurrency: 6 })
    expect(fixture.service.count('parts')).toBeLessThanOrEqual(20)
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
