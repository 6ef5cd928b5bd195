import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TokenFile } from '../../../../src/server/auth/token-file.js'
import { newToken, parseTokenLines } from '../../../../src/server/auth/token-lines.js'
import { createLog } from '../../../../src/server/logging.js'
import { StartProblem } from '../../../../src/server/start-problem.js'

const POLL_MS = 20
const ada = newToken('ada')
const bob = newToken('bob')
const HEX = 'a'.repeat(64)

let folder: string
let path: string
let opened: TokenFile[]
let lines: string[]
const log = createLog('info', { write: (line) => lines.push(line) })

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partway-tokens-'))
  path = join(folder, 'tokens')
  opened = []
  lines = []
})
afterEach(async () => {
  for (const file of opened) file.close()
  await rm(folder, { recursive: true })
})

async function open(...texts: string[]): Promise<TokenFile> {
  await writeFile(path, texts.join('\n'))
  const file = await TokenFile.open({ path, log, pollMs: POLL_MS })
  opened.push(file)
  return file
}

describe('a line', () => {
  it('names an owner, in whatever letters, and the hash of a token', () => {
    const { tokens, problems } = parseTokenLines(
      ['# who may upload', '', `a:b:sha256:${HEX}`, ` Ünal Ö:sha256:${'B'.repeat(64)}\r`].join(
        '\n',
      ),
    )
    expect(problems).toEqual([])
    expect([...tokens].map(([hash, { owner }]) => [hash, owner])).toEqual([
      [HEX, 'a:b'],
      ['b'.repeat(64), 'Ünal Ö'],
    ])
  })

  it.each([
    'marked',
    `:sha256:${HEX}`,
    `ada:${HEX}`,
    `ada:md5:${HEX}`,
    `ada:sha256:${HEX.slice(1)}`,
    `ada:sha256:${HEX}0`,
    `ada:sha256:${HEX} marked`,
    `${'x'.repeat(257)}:sha256:${HEX}`,
    `ada :sha256:${HEX}`,
    `a\u0007da:sha256:${HEX}`,
  ])('that is not valid is told by its number, without its text (%#)', (line) => {
    const { tokens, problems } = parseTokenLines(`# first\n${line}\n${bob.line}`)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^line 2 (is not|has an owner that) /)
    expect(problems[0]).not.toMatch(/marked|ada|xx|aaaa/)
    expect([...tokens.values()].map(({ owner }) => owner)).toEqual(['bob'])
  })

  it('cannot give the token of one owner to another', () => {
    const hash = ada.line.split(':').at(-1)
    const { tokens, problems } = parseTokenLines(`${ada.line}\nmallory:sha256:${hash}`)
    expect(problems).toEqual(['line 2 repeats the token of an earlier line'])
    expect([...tokens.values()].map(({ owner }) => owner)).toEqual(['ada'])
  })
})

describe('the file of tokens', () => {
  it('knows whose a token is, of several of one owner too', async () => {
    const second = newToken('ada')
    const file = await open(ada.line, bob.line, second.line)
    expect([ada, second, bob].map(({ token }) => file.ownerOf(token))).toEqual([
      'ada',
      'ada',
      'bob',
    ])
    expect(file.ownerOf('another')).toBeUndefined()
    expect(file.ownerOf('')).toBeUndefined()
  })

  it('keeps a server from starting when it is missing or has lines that are not valid', async () => {
    await expect(TokenFile.open({ path, log })).rejects.toThrow(StartProblem)
    const attempt = open(ada.line, 'marked', bob.line, 'marked:sha256:0')
    await expect(attempt).rejects.toThrow(/tokens: line 2 is not .*; line 4 is not /)
    await expect(attempt).rejects.not.toThrow(/marked/)
  })

  it('may be empty: then nobody gets in', async () => {
    expect((await open('')).ownerOf(ada.token)).toBeUndefined()
  })

  it('is read again when it was written, replaced or pointed elsewhere', async () => {
    const file = await open(ada.line)
    await writeFile(path, bob.line)
    await expect.poll(() => file.ownerOf(bob.token)).toBe('bob')
    expect(file.ownerOf(ada.token)).toBeUndefined()
    await writeFile(join(folder, 'next'), ada.line)
    await rename(join(folder, 'next'), path)
    await expect.poll(() => file.ownerOf(ada.token)).toBe('ada')
    await writeFile(join(folder, 'target'), bob.line)
    await rm(path)
    await symlink(join(folder, 'target'), path)
    await expect.poll(() => file.ownerOf(bob.token)).toBe('bob')
  })

  it('lets a token go that was taken out, though another line is not valid', async () => {
    const file = await open(ada.line, bob.line)
    await writeFile(path, `marked\n${bob.line}`)
    await expect.poll(() => file.ownerOf(ada.token)).toBeUndefined()
    expect(file.ownerOf(bob.token)).toBe('bob')
    expect(lines.join()).toContain('line 1 is not')
    expect(lines.join()).not.toContain('marked')
  })

  it('that is away for a while leaves everybody as they were, and says so once', async () => {
    const file = await open(ada.line)
    await rm(path)
    await expect.poll(() => lines.join()).toContain('cannot be read')
    await delay(5 * POLL_MS)
    expect(file.ownerOf(ada.token)).toBe('ada')
    expect(lines).toHaveLength(1)
    await writeFile(path, bob.line)
    await expect.poll(() => file.ownerOf(bob.token)).toBe('bob')
    expect(file.ownerOf(ada.token)).toBeUndefined()
  })

  it('is read as soon as it can be again, when there was something else in its place', async () => {
    const file = await open(ada.line)
    await rm(path)
    await mkdir(path)
    await expect.poll(() => lines.join()).toContain('EISDIR')
    await delay(5 * POLL_MS)
    expect(lines).toHaveLength(1)
    await rm(path, { recursive: true })
    await writeFile(path, bob.line)
    await expect.poll(() => file.ownerOf(bob.token)).toBe('bob')
  })

  it('is not looked at any more once it is closed', async () => {
    const file = await open(ada.line)
    file.close()
    await writeFile(path, bob.line)
    await delay(5 * POLL_MS)
    expect(file.ownerOf(ada.token)).toBe('ada')
  })
})
