import { describe, expect, it } from 'vitest'
import { s3Error } from './support/fake-service.js'
import { UploadFixture } from './support/upload-fixture.js'

/** As in a browser, where the answers of other origins can be hidden. */
function inBrowser(): UploadFixture {
  const fixture = new UploadFixture()
  fixture.service.obeysCors = true
  return fixture
}

describe('answers that the browser hides from the page', () => {
  it('an ETag that is not exposed is told at once, and as what it is', async () => {
    const fixture = inBrowser()
    fixture.service.onPut = () => ({ status: 200, headers: {}, body: '' })
    const error = await fixture.failure({ concurrency: 1 })
    expect(error.code).toBe('ETAG_NOT_EXPOSED')
    expect(error.message).toContain('must expose the header ETag')
    expect(error.details.request).toBe('PUT https://bucket.test/k')
    expect(fixture.service.puts).toHaveLength(1)
  })

  it('a bucket of which no answer is ever seen may lack CORS rules', async () => {
    const fixture = inBrowser()
    fixture.service.onPut = () => 'reset'
    const error = await fixture.failure()
    expect(error.code).toBe('BUCKET_UNREACHABLE')
    expect(error.message).toContain('CORS')
  })

  it('a bucket that has answered before does not', async () => {
    const fixture = inBrowser()
    fixture.service.onPut = (index) => (index === 5 ? 'reset' : undefined)
    const error = await fixture.failure({ concurrency: 1 })
    expect(error.code).toBe('BUCKET_UNREACHABLE')
    expect(error.message).not.toContain('CORS')
  })

  it('a coordinator of which no answer is ever seen may not list the page', async () => {
    const fixture = inBrowser()
    fixture.service.onCall = () => 'reset'
    const error = await fixture.failure()
    expect(error.code).toBe('SERVER_UNREACHABLE')
    expect(error.message).toContain('PARTWAY_CORS_ORIGINS')
  })
})

describe('a network that is away', () => {
  it('is waited for, and costs no tries of a part', async () => {
    const fixture = new UploadFixture()
    let failures = 0
    fixture.service.onPut = (index) => {
      if (index !== 3 || failures === 20) return undefined
      failures++
      fixture.network.set(false)
      return 'reset'
    }
    const phases: string[] = []
    await fixture.upload({ onPhase: (phase) => phases.push(phase) })
    expect(failures).toBe(20)
    expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
    expect(phases.slice(0, 3)).toEqual(['uploading', 'offline', 'uploading'])
    expect(phases.at(-1)).toBe('completing')
  })

  it('costs no tries of a call', async () => {
    const fixture = new UploadFixture()
    fixture.service.onCall = (call) => {
      if (call !== 'init' || fixture.service.count('init') > 20) return undefined
      fixture.network.set(false)
      return 'reset'
    }
    await fixture.upload()
    expect(fixture.service.count('init')).toBe(21)
  })

  it('is gone on with as soon as it is back', async () => {
    const fixture = new UploadFixture()
    fixture.service.onCall = (call) => {
      if (call !== 'init' || fixture.service.count('init') > 1) return undefined
      fixture.network.set(false)
      const { signal } = new AbortController()
      fixture.clock.sleep(5_000, signal).then(() => fixture.network.set(true))
      return 'reset'
    }
    await fixture.upload()
    expect(fixture.clock.now()).toBeLessThan(6_000)
  })

  it('does not keep an upload from being stopped', async () => {
    const fixture = new UploadFixture()
    const stop = new AbortController()
    fixture.service.onPut = () => {
      fixture.network.set(false)
      return 'reset'
    }
    const onPhase = (phase: string) => {
      if (phase === 'offline') stop.abort()
    }
    expect((await fixture.failure({ signal: stop.signal, onPhase })).code).toBe('INTERRUPTED')
    expect(fixture.clock.now()).toBeLessThan(1_000)
  })
})

describe('a range of parts in flight', () => {
  it('is narrowed to the connections that there are', async () => {
    const fixture = new UploadFixture({ size: 400 })
    fixture.service.connections = 2
    await fixture.upload({ concurrency: { min: 1, max: 8 } })
    expect(fixture.service.mostPutsInFlight).toBeLessThanOrEqual(3)
    expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
  })

  it('is left when the bucket asks for less', async () => {
    const fixture = new UploadFixture({ size: 400 })
    let isBusy = true
    const inFlight: number[] = []
    fixture.service.onPut = () => {
      if (!isBusy) inFlight.push(fixture.service.putsInFlight)
      if (!isBusy || fixture.service.puts.length > 6) {
        isBusy = false
        return undefined
      }
      return s3Error(503, 'SlowDown')
    }
    await fixture.upload({ concurrency: { min: 1, max: 8 } })
    expect(inFlight.slice(5, 15).every((count) => count <= 3)).toBe(true)
    expect(fixture.service.object.equals(fixture.file.bytes)).toBe(true)
  })

  it.each([
    { min: 0, max: 3 },
    { min: 4, max: 3 },
    { min: 1, max: 65 },
  ])('is refused when it is none: %o', async (concurrency) => {
    const fixture = new UploadFixture()
    expect((await fixture.failure({ concurrency })).code).toBe('INVALID_OPTION')
  })
})
