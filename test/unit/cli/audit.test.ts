import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from '../../../src/cli/run-cli.js'
import { AuditLog, ownerPseudonym } from '../../../src/operations/index.js'
import { AuditFile } from '../../../src/server/audit/audit-file.js'
import { FakeIo } from './support/fake-io.js'

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partway-audit-'))
  path = join(folder, 'audit.log')
  const log = new AuditLog({ sink: new AuditFile(path), clock: Date })
  await log.record({ event: 'request.init', owner: 'ada' })
  await log.close()
})
afterEach(() => rm(folder, { recursive: true }))

async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const io = new FakeIo(env)
  return { code: await runCli(args, io), out: io.stdout.lines, err: io.stderr.lines }
}

describe('partway audit verify', () => {
  it('says which records there are, and the last hash, which can be noted', async () => {
    const { code, out } = await run(['audit', 'verify', path])
    expect(code).toBe(0)
    expect(out[0]).toMatch(/^chain [0-9a-f]{16}, from its beginning: records 1 to 3$/)
    const [, hash = ''] = /^last hash ([0-9a-f]{64})$/.exec(out[1] ?? '') ?? []
    expect((await run(['audit', 'verify', '--contains', hash, path])).code).toBe(0)
    const other = hash.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))
    const missed = await run(['audit', 'verify', '--contains', other, path])
    expect(missed).toMatchObject({
      code: 6,
      err: [`No record has the hash ${other}`, expect.any(String)],
    })
  })

  it('names the line that is not as it was written, and ends with 6', async () => {
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace('"ada"', '"bob"'))
    const { code, out, err } = await run(['audit', 'verify', path])
    expect({ code, out }).toEqual({ code: 6, out: [] })
    expect(err).toEqual([
      `${path}:2: was altered, or the hash of the one before was`,
      'The audit log is not as it was written.',
    ])
  })

  it('finds the lines of a log among others, when it is told that there are', async () => {
    const text = await readFile(path, 'utf8')
    await writeFile(path, `starting\n${text.replaceAll('\n', '\n{"event":"http.request"}\n')}`)
    expect((await run(['audit', 'verify', path])).code).toBe(6)
    expect((await run(['audit', 'verify', '--mixed', path])).code).toBe(0)
  })

  it('ends with 5 for a file that is not there, and with 2 for what is no hash', async () => {
    expect((await run(['audit', 'verify', join(folder, 'none')])).code).toBe(5)
    expect((await run(['audit', 'verify', '--contains', 'abc', path])).code).toBe(2)
    expect((await run(['audit', 'verify'])).code).toBe(2)
  })
})

describe('partway audit owner', () => {
  const secrets = ['a-secret-of-more-than-thirty-two-bytes', 'its-successor-of-more-than-32-bytes.']

  it('prints how an owner is written, under each secret', async () => {
    const env = { PARTWAY_BUCKET: 'uploads', PARTWAY_SECRET: secrets.join(',') }
    const { code, out } = await run(['audit', 'owner', 'ada'], env)
    expect(code).toBe(0)
    expect(out).toEqual(secrets.map((secret) => ownerPseudonym(secret)('ada')))
  })

  it('says what is wrong with the settings', async () => {
    const { code, err } = await run(['audit', 'owner', 'ada'], { PARTWAY_BUCKET: 'uploads' })
    expect(code).toBe(2)
    expect(err.join()).toContain('PARTWAY_SECRET is required')
  })
})
