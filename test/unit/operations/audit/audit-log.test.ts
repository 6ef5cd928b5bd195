import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AuditLog, ownerPseudonym } from '../../../../src/operations/index.js'
import { FINE, MemorySink, problemsIn } from './memory-sink.js'

const clock = { now: () => Date.UTC(2026, 0, 1) }
const ENTRY = { event: 'request.init', owner: 'ada', upload: 'u', outcome: 'granted' } as const

function logTo(sink: MemorySink) {
  return new AuditLog({ sink, clock })
}

describe('an audit log', () => {
  it('has the lines in the order of the calls, each tied to the one before', async () => {
    const sink = new MemorySink()
    const log = logTo(sink)
    const events = Array.from({ length: 1_200 }, (_, n) => `event.${n}`)
    await Promise.all(events.map((event) => log.record({ event })))
    const records = sink.records()
    expect(records.map(({ event }) => event)).toEqual(['audit.opened', ...events])
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, n) => n + 1))
    expect(problemsIn(sink.text)).toEqual([])
    expect(sink.appends, 'lines that wait are written together').toBeLessThan(10)
  })

  it('has written a line when the call resolves', async () => {
    const sink = new MemorySink()
    await logTo(sink).record(ENTRY)
    expect(sink.records().at(-1)).toEqual({ seq: 2, time: '2026-01-01T00:00:00.000Z', ...ENTRY })
  })

  it('goes on with a decision that is made as soon as another is written', async () => {
    const sink = new MemorySink()
    const log = logTo(sink)
    for (let n = 0; n < 20; n++) {
      await Promise.all([log.record(ENTRY), log.record(ENTRY).then(() => log.record(ENTRY))])
    }
    expect(sink.records()).toHaveLength(61)
  })

  it('goes on with the chain when it is opened anew', async () => {
    const sink = new MemorySink()
    for (let start = 0; start < 3; start++) {
      const log = logTo(sink)
      await log.record(ENTRY)
      await log.close()
    }
    expect(sink.records().map(({ event }) => event)).toEqual(
      Array(3).fill(['audit.opened', 'request.init', 'audit.closed']).flat(),
    )
    expect(problemsIn(sink.text)).toEqual([])
  })

  it('takes nothing once it is closed', async () => {
    const log = logTo(new MemorySink())
    await log.close()
    await expect(log.record(ENTRY)).rejects.toThrow('closed')
  })

  it('says that nothing can be written, until it can', async () => {
    const sink = new MemorySink()
    const log = logTo(sink)
    await log.ready()
    const full = { share: 0, fails: true }
    sink.fates = [full, full]
    await expect(log.record(ENTRY)).rejects.toThrow('no space')
    await expect(log.ready()).rejects.toThrow('no space')
    await log.ready()
    expect(sink.records().map(({ event }) => event)).toEqual(['audit.opened', 'audit.opened'])
  })

  it('writes what has happened when it can, though nobody waits for it any more', async () => {
    const sink = new MemorySink()
    const log = logTo(sink)
    await log.ready()
    sink.fates = [{ share: 0.5, fails: true }]
    await expect(log.recordDone({ event: 'upload.completed', upload: 'u' })).rejects.toThrow()
    await log.ready()
    const events = sink.records().map(({ event }) => event)
    expect(events).toEqual(['audit.opened', 'audit.opened', 'upload.completed'])
    expect(problemsIn(sink.text)).toEqual([])
  })

  it('has every decision that was confirmed, and every one that happened once, whatever fails', async () => {
    const fate = fc.record({
      share: fc.oneof(fc.constant(0), fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
      fails: fc.boolean(),
    })
    const fates = fc.array(fate.map((one) => (one.fails ? one : FINE)))
    const calls = fc.array(fc.array(fc.boolean(), { maxLength: 4 }), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(fates, calls, async (fates, rounds) => {
        const sink = new MemorySink()
        sink.fates = [...fates]
        let log = logTo(sink)
        const confirmed: string[] = []
        const done: string[] = []
        for (const [round, kinds] of rounds.entries()) {
          const calls = kinds.map(async (isDone, n) => {
            const event = `event.${round}.${n}`
            if (isDone) done.push(event)
            await (isDone ? log.recordDone({ event }) : log.record({ event }))
            confirmed.push(event)
          })
          await Promise.allSettled(calls)
        }
        sink.fates = []
        await log.ready()
        log = logTo(sink)
        await log.ready()
        const written = sink.records().map(({ event }) => event)
        expect(problemsIn(sink.text)).toEqual([])
        for (const event of confirmed) expect(written).toContain(event)
        for (const event of done) expect(written.filter((one) => one === event)).toHaveLength(1)
      }),
      { numRuns: 300 },
    )
  })
})

describe('the name of an owner', () => {
  it('is the same for the same owner and secret, and another for any other', () => {
    const name = ownerPseudonym('one secret of more than 32 bytes.')
    expect(name('ada')).toBe(name('ada'))
    expect(name('ada')).not.toBe(name('bob'))
    expect(name('ada')).not.toBe(ownerPseudonym('another secret')('ada'))
    expect(name('ada')).toMatch(/^[\w-]{43}$/)
  })
})
