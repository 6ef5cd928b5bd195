import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { findChromium } from '../../../infra/services/chromium.js'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partway-chromium-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function program(name: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, '#!/bin/sh\n')
  await chmod(path, 0o755)
  return path
}

const find = (env: Record<string, string>) => findChromium({ env, isRoot: false, log: () => {} })

it('takes the browser that the variable names', async () => {
  const named = await program('my-browser')
  await program('chromium')
  expect(await find({ PARTWAY_TEST_CHROMIUM: named, PATH: folder })).toEqual({
    kind: 'found',
    program: named,
  })
})

it('does not look elsewhere when the variable names none', async () => {
  await program('chromium')
  const env = { PARTWAY_TEST_CHROMIUM: join(folder, 'nothing'), PATH: folder }
  await expect(find(env)).rejects.toThrow('PARTWAY_TEST_CHROMIUM is set, but is no program')
})

it('else takes one on PATH', async () => {
  const chrome = await program('google-chrome')
  expect(await find({ PATH: folder })).toEqual({ kind: 'found', program: chrome })
})

it('says what was tried when there is none and none may be installed', async () => {
  const missing = await find({ PATH: folder })
  expect(missing).toMatchObject({ kind: 'missing', advice: expect.stringContaining('PARTWAY_') })
  expect(missing.kind === 'missing' && missing.attempts.map(({ way }) => way)).toEqual([
    'environment variable',
    'program on PATH',
    'installation',
  ])
})
