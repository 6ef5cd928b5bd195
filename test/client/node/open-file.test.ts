import { execFileSync } from 'node:child_process'
import { mkdtemp, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OpenFile, openFile } from '../../../src/client/node.js'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'partway-open-file-'))
})
afterAll(() => rm(dir, { recursive: true }))

let count = 0
async function fileWith(text: string): Promise<string> {
  const path = join(dir, `file-${++count}`)
  await writeFile(path, text)
  return path
}

async function withFile<T>(path: string, use: (file: OpenFile) => Promise<T>): Promise<T> {
  const file = await openFile(path)
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

function fingerprintOf(path: string): Promise<string | undefined> {
  return withFile(path, async (file) => file.fingerprint)
}

describe('openFile', () => {
  it('reads the bytes at an offset, and says when there are fewer', async () => {
    await withFile(await fileWith('0123456789'), async (file) => {
      expect(file.size).toBe(10)
      const into = new Uint8Array(6)
      const four = await file.piece(3, 4).read(() => into)
      expect(Buffer.from(four).toString()).toBe('3456')
      expect(four.buffer).toBe(into.buffer)
      expect(Buffer.from(await file.piece(8, 4).read(() => into)).toString()).toBe('89')
    })
  })

  it('follows a symbolic link to a file', async () => {
    const link = join(dir, 'link')
    await symlink(await fileWith('linked'), link)
    await withFile(link, async (file) => expect(file).toMatchObject({ name: 'link', size: 6 }))
  })

  it.each([
    ['a directory', 'FILE_NOT_REGULAR', () => dir],
    ['a device', 'FILE_NOT_REGULAR', () => '/dev/null'],
    ['a link to a directory', 'FILE_NOT_REGULAR', linkToDirectory],
    ['a pipe that nobody writes to', 'FILE_NOT_REGULAR', pipe],
    ['a file that is not there', 'FILE_MISSING', () => join(dir, 'nowhere')],
    ['a path through a file', 'FILE_MISSING', async () => join(await fileWith(''), 'x')],
  ])('refuses %s with %s', async (_, code, path) => {
    await expect(openFile(await path())).rejects.toMatchObject({ code })
  })
})

async function linkToDirectory(): Promise<string> {
  const link = join(dir, 'link-to-directory')
  await symlink(dir, link)
  return link
}

function pipe(): string {
  const path = join(dir, 'pipe')
  execFileSync('mkfifo', [path])
  return path
}

describe('the fingerprint of a file', () => {
  it('is the same for the untouched file and says nothing of the name', async () => {
    const path = await fileWith('abc')
    const first = await fingerprintOf(path)
    expect(first).toMatch(/^[\w-]{43}$/)
    expect(await fingerprintOf(path)).toBe(first)
  })

  it('differs after a change, by the time of the change alone', async () => {
    const path = await fileWith('abc')
    const first = await fingerprintOf(path)
    await utimes(path, new Date(), new Date(Date.now() + 5_000))
    expect(await fingerprintOf(path)).not.toBe(first)
  })
})

describe('the version of an open file', () => {
  it('stays while nothing happens', async () => {
    await withFile(await fileWith('abc'), async (file) => {
      expect(await file.currentVersion()).toBe(file.version)
    })
  })

  it.each<[string, (path: string) => Promise<unknown>]>([
    ['appended to', (path) => writeFile(path, 'more', { flag: 'a' })],
    ['cut off', (path) => truncate(path, 1)],
    ['overwritten with as many bytes', (path) => writeFile(path, 'xyz')],
    ['replaced by another file', async (path) => rename(await fileWith('xyz'), path)],
    ['removed', (path) => rm(path)],
  ])('changes when the file is %s', async (_, change) => {
    const path = await fileWith('abc')
    const past = new Date(Date.now() - 60_000)
    await utimes(path, past, past)
    await withFile(path, async (file) => {
      await change(path)
      expect(await file.currentVersion()).not.toBe(file.version)
    })
  })
})
