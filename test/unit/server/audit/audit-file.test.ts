import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuditLog } from '../../../../src/operations/index.js'
import { AuditFile } from '../../../../src/server/audit/audit-file.js'
import { verifyFiles } from '../../../../src/server/audit/verify-files.js'
import { StartProblem } from '../../../../src/server/start-problem.js'

const ENTRY = { event: 'request.init', owner: 'ada' }
const WRITER = fileURLToPath(new URL('writer-process.ts', import.meta.url))

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partway-audit-'))
  path = join(folder, 'deep', 'audit.log')
})
afterEach(() => rm(folder, { recursive: true }))

const open = () => new AuditLog({ sink: new AuditFile(path), clock: Date })

async function write(count = 1) {
  const log = open()
  for (let n = 0; n < count; n++) await log.record(ENTRY)
  await log.close()
}

describe('an audit log in a file', () => {
  it('goes on after a restart', async () => {
    await write(3)
    await write(3)
    const { problems, records, chains } = await verifyFiles([path])
    expect({ problems, records }).toEqual({ problems: [], records: 10 })
    expect(chains).toHaveLength(1)
  })

  it('is for its owner alone to read', async () => {
    await write()
    expect((await stat(path)).mode & 0o077).toBe(0)
  })

  it('says of an unfinished line how long it is and what it hashes to, and leaves it there', async () => {
    await write(2)
    const whole = await readFile(path, 'utf8')
    for (const cut of [1, 40, 100]) {
      await writeFile(path, whole.slice(0, -cut))
      const before = await readFile(path, 'utf8')
      // Without its end alone the line is still a record.
      const isUnfinished = cut > 1
      expect(await verifyFiles([path])).toMatchObject({ problems: [], isUnfinished })
      await write()
      expect((await readFile(path, 'utf8')).startsWith(before)).toBe(true)
      expect(await verifyFiles([path])).toMatchObject({ problems: [], isUnfinished: false })
    }
    expect(await readFile(path, 'utf8')).toContain('"torn":{"bytes":')
  })

  it('goes on after a crash in the very first line, and after several in a row', async () => {
    for (const length of [1, 30, 200]) {
      await rm(path, { force: true })
      await write()
      await truncate(path, length)
      await write()
      const first = await readFile(path, 'utf8')
      await appendFile(path, '{"audit":"half')
      const log = open()
      await log.ready()
      await log.close()
      expect((await readFile(path, 'utf8')).startsWith(first)).toBe(true)
      expect((await verifyFiles([path])).problems).toEqual([])
    }
  })

  it('is refused to a second writer, whose words say why', async () => {
    const first = open()
    await first.record(ENTRY)
    const second = open()
    await expect(second.ready()).rejects.toThrow(StartProblem)
    await expect(second.ready()).rejects.toThrow(`another process writes ${path}`)
    await first.record(ENTRY)
    await first.close()
    await second.record(ENTRY)
    await second.close()
    expect((await verifyFiles([path])).problems).toEqual([])
  })

  it('is not begun in a file that is something else', async () => {
    await write()
    await writeFile(path, 'root:x:0:0:root:/root:/bin/sh\n')
    await expect(open().ready()).rejects.toThrow('something else than an audit log')
    expect(await readFile(path, 'utf8')).toBe('root:x:0:0:root:/root:/bin/sh\n')
  })

  it('goes on in a new file when the old one was moved away, and both are one chain', async () => {
    const log = open()
    await log.record(ENTRY)
    await rename(path, `${path}.1`)
    await log.record(ENTRY)
    await log.reopen()
    await log.record(ENTRY)
    await log.close()
    const report = await verifyFiles([`${path}.1`, path])
    expect(report).toMatchObject({ problems: [], records: 6 })
    expect(report.chains).toHaveLength(1)
    const alone = await verifyFiles([path])
    expect(alone.problems).toEqual([])
    expect(alone.chains).toMatchObject([{ isFromStart: false }])
    expect((await verifyFiles([path, `${path}.1`])).problems).not.toEqual([])
  })

  it('names the file and the line of what is wrong', async () => {
    await write(4)
    const lines = (await readFile(path, 'utf8')).split('\n')
    await writeFile(path, lines.toSpliced(2, 1).join('\n'))
    expect((await verifyFiles([path])).problems).toEqual([
      `${path}:3: is record 4 and follows 2: record 3 is missing here`,
    ])
  })

  it('finds a hash that was noted before, and misses it when the end was cut off', async () => {
    await write(2)
    const [chain] = (await verifyFiles([path])).chains
    const contains = chain?.last.hash ?? ''
    await write(2)
    expect((await verifyFiles([path], { contains })).problems).toEqual([])
    const lines = (await readFile(path, 'utf8')).split('\n')
    await writeFile(path, `${lines.slice(0, 2).join('\n')}\n`)
    expect((await verifyFiles([path])).problems).toEqual([])
    expect((await verifyFiles([path], { contains })).problems).toEqual([
      `No record has the hash ${contains}`,
    ])
  })

  it('says of an empty file that there is no record', async () => {
    await writeFile(join(folder, 'empty'), '')
    expect((await verifyFiles([join(folder, 'empty')])).problems).toEqual(['There is no record'])
  })

  it('has all that a killed process was told is written, and is free for the next', async () => {
    let confirmed = 0
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, ['--import', 'tsx', WRITER, path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let out = ''
      child.stdout.on('data', (chunk) => {
        out += chunk
        if (out.length > 40 * (round + 1)) child.kill('SIGKILL')
      })
      await once(child, 'close')
      confirmed += out.length
    }
    await write()
    const { problems, records } = await verifyFiles([path])
    expect(problems).toEqual([])
    expect(confirmed).toBeGreaterThan(100)
    expect(records).toBeGreaterThanOrEqual(confirmed + 3)
  }, 60_000)
})
