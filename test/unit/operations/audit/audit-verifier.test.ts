import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { AuditLog } from '../../../../src/operations/index.js'
import { MemorySink, problemsIn } from './memory-sink.js'

let lines: string[]

beforeAll(async () => {
  const sink = new MemorySink()
  const log = new AuditLog({ sink, clock: { now: () => 0 } })
  for (let n = 0; n < 8; n++) await log.record({ event: `request.${n}`, owner: 'Ada “é” 🙂' })
  lines = sink.text.split('\n').slice(0, -1)
})

const found = (changed: readonly string[]) =>
  problemsIn(changed.map((line) => `${line}\n`).join(''))

const INNER = [1, 2, 4, 7]
/** As they are counted for people. */
const nth = (index: number) => index + 1

describe('verifying an audit log', () => {
  it('finds nothing in one that nobody touched, and all of it is ASCII', () => {
    expect(found(lines)).toEqual([])
    expect(lines.join('')).toMatch(/^[\x20-\x7e]+$/)
  })

  it('can be done with what every machine has: h = SHA-256(h before ‖ record)', () => {
    let before = '0'.repeat(64)
    for (const line of lines) {
      const record = line.replace(/,"hash":"[0-9a-f]{64}"\}$/, '}')
      const hash = createHash('sha256')
        .update(before + record)
        .digest('hex')
      expect(JSON.parse(line)).toMatchObject({ hash })
      before = hash
    }
  })

  it.each(INNER)('finds that record %i was taken out', (at) => {
    expect(found(lines.toSpliced(at, 1))).toEqual([
      `${nth(at)}: is record ${nth(at) + 1} and follows ${at}: record ${nth(at)} is missing here`,
    ])
  })

  it('finds that the first records were taken out', () => {
    expect(found(lines.slice(3))).toEqual(['1: is record 4; the records before it are missing'])
  })

  it.each(INNER)('finds that line %i was altered', (at) => {
    const line = lines[at]?.replace('"request.', '"request-') ?? ''
    expect(found(lines.with(at, line))).toEqual([
      `${nth(at)}: was altered, or the hash of the one before was`,
    ])
  })

  it.each(INNER)('finds that line %i was altered and given a hash that fits', (at) => {
    const { hash: before }: { hash: string } = JSON.parse(lines[at - 1] ?? '')
    const record = (lines[at] ?? '').replace('"request.', '"request-').replace(/,"hash.*/, '}')
    const hash = createHash('sha256')
      .update(before + record)
      .digest('hex')
    const changed = lines.with(at, `${record.slice(0, -1)},"hash":"${hash}"}`)
    expect(found(changed)).toEqual([
      `${nth(at) + 1}: was altered, or the hash of the one before was`,
    ])
  })

  it.each(INNER)('finds that line %i has changed places with the next', (at) => {
    const [one = '', other = ''] = lines.slice(at, at + 2)
    expect(found(lines.with(at, other).with(at + 1, one))[0]).toMatch(
      new RegExp(`^${nth(at)}: is record ${nth(at) + 1} and follows ${at}`),
    )
  })

  it.each(INNER)('finds that line %i is there twice', (at) => {
    expect(found(lines.toSpliced(at, 0, lines[at] ?? ''))).toEqual([
      `${nth(at) + 1}: is record ${nth(at)}, but comes after record ${nth(at)}`,
    ])
  })

  it.each(INNER)('finds that line %i was cut', (at) => {
    expect(found(lines.with(at, lines[at]?.slice(0, 50) ?? ''))).toContain(
      `${nth(at)}: is not a record`,
    )
  })

  it.each(INNER)('finds that something was put in at line %i', (at) => {
    for (const line of ['', 'x', '{}', '{"audit":"x","seq":3,"event":"y"}']) {
      expect(found(lines.toSpliced(at, 0, line))).toEqual([`${nth(at)}: is not a record`])
    }
  })

  it('finds the lines of another log', async () => {
    const sink = new MemorySink()
    await new AuditLog({ sink, clock: { now: () => 0 } }).record({ event: 'request.init' })
    expect(found([...lines, ...sink.text.trimEnd().split('\n')])).toEqual([
      `${nth(lines.length)}: begins another chain`,
    ])
  })

  it('finds that nobody has noted an unfinished line, or another one', async () => {
    const sink = new MemorySink()
    await new AuditLog({ sink, clock: { now: () => 0 } }).record({ event: 'request.init' })
    sink.text += '{"audit":"unfini'
    await new AuditLog({ sink, clock: { now: () => 0 } }).record({ event: 'request.init' })
    expect(problemsIn(sink.text)).toEqual([])
    expect(problemsIn(sink.text.replace('unfini', 'infini'))).toEqual([
      '4: does not follow the unfinished line that it tells of',
    ])
    expect(problemsIn(sink.text.replace('{"audit":"unfini\n', ''))).toEqual([
      '3: does not follow the unfinished line that it tells of',
    ])
  })

  it('tells the chains of several servers apart among other lines', () => {
    const others = lines.flatMap((line) => [
      line,
      '{"event":"http.request"}',
      line.replace(/"audit":"\w/, '"audit":"!'),
    ])
    const problems = problemsIn(others.map((line) => `${line}\n`).join(''), { isMixed: true })
    // Those of the second chain were made from lines of the first, so none of their hashes is right.
    expect(problems).toHaveLength(lines.length)
    const own = lines.flatMap((line) => [line, '{"event":"http.request"}'])
    const text = own.map((line) => `${line}\n`).join('')
    expect(problemsIn(text, { isMixed: true })).toEqual([])
    expect(problemsIn(text.replace(`${lines[4]}\n`, ''), { isMixed: true })).toHaveLength(1)
  })
})
