import { describe, expect, it } from 'vitest'
import { s3Error } from './support/fake-service.js'
import { UploadStage } from './support/upload-stage.js'

describe('an upload that can be paused', () => {
  it('does nothing before it is started', async () => {
    const stage = new UploadStage()
    const upload = stage.create()
    await stage.settle()
    expect(upload.state).toBe('idle')
    expect(stage.service.log).toEqual([])
  })

  it('tells its states, its progress and its result', async () => {
    const stage = new UploadStage()
    const upload = stage.create()
    const { object } = await stage.clock.during(upload.start())
    expect(object.size).toBe(95)
    expect(stage.states).toEqual(['preparing', 'uploading', 'completing', 'completed'])
    expect(upload.progress).toMatchObject({ acknowledgedBytes: 95, totalBytes: 95 })
    expect(await upload.result).toMatchObject({ object: { size: 95 } })
    expect(upload.snapshot).toMatchObject({ state: 'completed', error: undefined })
  })

  it('stops when it is paused, and goes on without reading or sending a part again', async () => {
    const stage = new UploadStage()
    const upload = stage.create()
    stage.whenStored(4, () => upload.pause())
    const result = upload.start()
    await stage.until('paused')
    await stage.clock.during(upload.pause())
    expect(stage.service.putsInFlight).toBe(0)
    const before = { puts: stage.service.puts.length, stored: new Set(stage.service.stored.keys()) }
    await stage.settle()
    expect(stage.service.puts).toHaveLength(before.puts)
    stage.file.reads.length = 0
    upload.resume()
    await stage.clock.during(result)
    const again = stage.service.puts.slice(before.puts)
    expect(again.some((index) => before.stored.has(index))).toBe(false)
    expect(stage.file.reads).toHaveLength(10 - before.stored.size)
    expect(stage.service.object.equals(stage.file.bytes)).toBe(true)
  })

  it('bears being paused and resumed in quick succession', async () => {
    const stage = new UploadStage()
    const upload = stage.create()
    for (const count of [1, 2, 4, 7]) {
      stage.whenStored(count, () => {
        upload.pause()
        upload.resume()
        upload.pause()
        upload.resume()
      })
    }
    await stage.clock.during(upload.start())
    expect(upload.state).toBe('completed')
    expect(stage.service.mostPutsInFlight).toBeLessThanOrEqual(4)
    expect(stage.service.object.equals(stage.file.bytes)).toBe(true)
  })

  it('has one result, however often it is started', async () => {
    const stage = new UploadStage()
    const upload = stage.create()
    const first = upload.start()
    expect(upload.start()).toBe(first)
    expect(upload.result).toBe(first)
    await stage.clock.during(first)
    expect(upload.start()).toBe(first)
    expect(stage.service.count('init')).toBe(1)
  })

  it('goes on when it is started again after a failure', async () => {
    const stage = new UploadStage()
    const upload = stage.create()
    stage.service.onPut = (index) => (index === 6 ? s3Error(400, 'EntityTooLarge') : undefined)
    await expect(stage.clock.during(upload.start())).rejects.toMatchObject({
      code: 'BUCKET_REFUSED',
    })
    expect(upload.state).toBe('failed')
    expect(upload.snapshot.error?.code).toBe('BUCKET_REFUSED')
    stage.service.onPut = () => undefined
    const sent = stage.service.puts.length
    await stage.clock.during(upload.start())
    expect(upload.snapshot).toMatchObject({ state: 'completed', error: undefined })
    expect(stage.service.puts.length - sent).toBeLessThan(10)
  })

  it('does not fail because a listener does', async () => {
    const stage = new UploadStage()
    const upload = stage.create()
    const faults: unknown[] = []
    const catchFault = (fault: unknown) => faults.push(fault)
    process.once('uncaughtException', catchFault)
    upload.on('state', ({ state }) => {
      if (state === 'completing') throw new Error('a fault of the app')
    })
    await stage.clock.during(upload.start())
    expect(faults).toMatchObject([{ message: 'a fault of the app' }])
  })

  it('tells nobody any more who has left', async () => {
    const stage = new UploadStage()
    const upload = stage.create()
    let told = 0
    upload.on('progress', () => told++)()
    upload.subscribe(() => told++)()
    await stage.clock.during(upload.start())
    expect(told).toBe(0)
  })
})

describe('an upload that is cancelled', () => {
  it('is given up at the server, too', async () => {
    const stage = new UploadStage()
    const upload = stage.create()
    let cancelled: Promise<void> | undefined
    stage.whenStored(3, () => {
      cancelled = upload.cancel()
    })
    await expect(stage.clock.during(upload.start())).rejects.toMatchObject({ code: 'CANCELLED' })
    await cancelled
    expect(upload.state).toBe('cancelled')
    expect(stage.service.state).toBe('aborted')
    expect(stage.service.putsInFlight).toBe(0)
    expect(await stage.store.list()).toEqual([])
  })

  it('is given up even when init was under way, of which nobody had heard', async () => {
    const stage = new UploadStage()
    const upload = stage.create()
    stage.service.onCall = (call) => {
      if (call === 'init' && stage.service.count('init') === 1) upload.cancel()
      return undefined
    }
    await expect(stage.clock.during(upload.start())).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(stage.service.count('abort')).toBe(1)
    expect(stage.service.state).toBe('aborted')
  })

  it('asks nobody when it was never started', async () => {
    const stage = new UploadStage()
    const upload = stage.create()
    await stage.clock.during(upload.cancel())
    expect(upload.state).toBe('cancelled')
    expect(stage.service.log).toEqual([])
  })

  it('of an earlier page is given up, too', async () => {
    const stage = new UploadStage()
    const earlier = stage.create()
    stage.whenStored(2, () => earlier.pause())
    earlier.start()
    await stage.until('paused')
    await stage.clock.during(earlier.pause())
    await stage.clock.during(stage.create().cancel())
    expect(stage.service.state).toBe('aborted')
    expect(await stage.store.list()).toEqual([])
  })

  it('while it waits for another tab leaves that one alone', async () => {
    const stage = new UploadStage()
    const other = stage.create()
    const waiting = stage.create()
    const result = other.start()
    waiting.start().catch(() => {})
    await stage.settle()
    expect(waiting.state).toBe('locked')
    await stage.clock.during(waiting.cancel())
    expect(waiting.state).toBe('cancelled')
    await stage.clock.during(result)
    expect(stage.service.count('abort')).toBe(0)
    expect(other.state).toBe('completed')
  })

  it('is completed when it was too late', async () => {
    const stage = new UploadStage()
    const upload = stage.create()
    stage.service.onCall = (call) => {
      if (call === 'complete') {
        stage.service.state = 'completed'
        queueMicrotask(() => upload.cancel())
        return 'hang'
      }
      return undefined
    }
    const { object } = await stage.clock.during(upload.start())
    expect(object.size).toBe(95)
    expect(upload.state).toBe('completed')
  })

  it('says so when the server did not do it, and can be cancelled again', async () => {
    const stage = new UploadStage()
    const upload = stage.create()
    stage.service.onCall = (call) => (call === 'abort' ? 'reset' : undefined)
    let cancelled = Promise.resolve()
    stage.whenStored(3, () => {
      cancelled = upload.cancel()
      cancelled.catch(() => {})
    })
    await expect(stage.clock.during(upload.start())).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
    })
    await expect(cancelled).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' })
    expect(upload.state).toBe('failed')
    stage.service.onCall = () => undefined
    await stage.clock.during(upload.cancel())
    expect(upload.state).toBe('cancelled')
    expect(stage.service.state).toBe('aborted')
  })
})

describe('an upload that was begun in an earlier page', () => {
  async function interruptedStage(): Promise<UploadStage> {
    const stage = new UploadStage()
    const upload = stage.create()
    stage.whenStored(4, () => upload.pause())
    upload.start()
    await stage.until('paused')
    await stage.clock.during(upload.pause())
    stage.file.reads.length = 0
    return stage
  }

  it('is remembered with the parts that had arrived', async () => {
    const stage = await interruptedStage()
    const [remembered] = await stage.store.list()
    expect(remembered).toMatchObject({ filename: 'film.mkv', size: 95, chunkSize: 10 })
    const parts = await stage.store.parts(remembered?.id ?? '')
    expect(new Set(parts.keys())).toEqual(new Set(stage.service.stored.keys()))
    expect(await stage.listResumable()).toMatchObject([{ acknowledgedBytes: parts.size * 10 }])
  })

  it('goes on in the way in which it was begun, whatever the server would choose now', async () => {
    const stage = await interruptedStage()
    await stage.clock.during(stage.create().start())
    const init = stage.service.log.findLast(({ call }) => call === 'init')
    expect(init?.body).toMatchObject({ chunk_size: 10, checksum: 'sha256' })
    // Bytes that an earlier page has sent are compared with those of today's file.
    expect(stage.file.reads).toHaveLength(10)
    expect(stage.service.puts).toHaveLength(10 + stage.interrupted)
    expect(stage.service.object.equals(stage.file.bytes)).toBe(true)
    expect(await stage.store.list()).toEqual([])
  })

  it('is not mixed with a file that only looks the same', async () => {
    const stage = await interruptedStage()
    const [first = 1] = stage.service.stored.keys()
    stage.file.bytes = Buffer.from(stage.file.bytes).fill('x', (first - 1) * 10, first * 10)
    const error = await stage.clock.during(stage.create().start()).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'FILE_CHANGED' })
    expect(stage.service.count('complete')).toBe(0)
    // Who insists means the file as it is now, and gets all of it.
    await stage.clock.during(stage.create().start())
    expect(stage.service.object.equals(stage.file.bytes)).toBe(true)
  })

  it('is forgotten when it has expired', async () => {
    const stage = await interruptedStage()
    await stage.pass(3_601_000)
    expect(await stage.listResumable()).toEqual([])
    expect(await stage.store.list()).toEqual([])
  })

  it('is begun anew when the server refuses the way in which it was begun', async () => {
    const stage = await interruptedStage()
    stage.service.refuseChecksum = 'sha256'
    await stage.clock.during(stage.create().start())
    expect(stage.service.object.equals(stage.file.bytes)).toBe(true)
  })

  it('is not told to another scope', async () => {
    const stage = await interruptedStage()
    expect(await stage.listResumable({ scope: 'somebody else' })).toEqual([])
  })
})

it('that is cut otherwise than it was remembered is not taken for a changed file', async () => {
  const stage = new UploadStage()
  const upload = stage.create()
  stage.whenStored(4, () => upload.pause())
  upload.start()
  await stage.until('paused')
  await stage.clock.during(upload.pause())
  stage.service.recut(20)
  const next = stage.create({ chunkSize: 20 })
  stage.whenStored(2, () => next.pause())
  next.start()
  await stage.until('paused')
  await stage.clock.during(next.pause())
  await stage.clock.during(stage.create().start())
  expect(stage.service.object.equals(stage.file.bytes)).toBe(true)
})

it('goes on where nothing can be remembered', async () => {
  const stage = new UploadStage()
  stage.breakStore()
  await stage.clock.during(stage.create().start())
  expect(stage.service.object.equals(stage.file.bytes)).toBe(true)
})

it('sends the same file once when it is uploaded twice at a time', async () => {
  const stage = new UploadStage()
  const [first, second] = [stage.create(), stage.create()]
  const results = [first.start(), second.start()]
  await stage.settle()
  expect([first.state, second.state]).toContain('locked')
  await stage.clock.during(Promise.all(results))
  expect(stage.service.puts).toHaveLength(10)
})
