import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { cacheFolder, installOnce } from '../../../infra/services/cache.js'
import { installGoProgram } from '../../../infra/services/install-go.js'
import { plannedPackages } from '../../../infra/services/install-package.js'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partway-install-'))
})

afterEach(() => rm(folder, { recursive: true }))

it('keeps what it installs where the environment says, or in the home folder', () => {
  expect(cacheFolder({ PARTWAY_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a')
  expect(cacheFolder({ XDG_CACHE_HOME: '/b' })).toBe('/b/partway')
  expect(cacheFolder({})).toMatch(/\/\.cache\/partway$/)
})

it('leaves nothing behind when an installation fails', async () => {
  const broken = async (scratch: string) => {
    await writeFile(join(scratch, 'half'), 'half')
    throw new Error('killed')
  }
  await expect(installOnce(join(folder, 'program'), broken)).rejects.toThrow('killed')
  expect(await readdir(folder)).toEqual([])
})

it('lets two installations at once both succeed', async () => {
  const target = join(folder, 'unpacked')
  const make = async (scratch: string) => {
    const root = await mkdtemp(join(scratch, 'root-'))
    await writeFile(join(root, 'file'), 'whole')
    return root
  }
  await Promise.all([installOnce(target, make), installOnce(target, make)])
  expect(await readFile(join(target, 'file'), 'utf8')).toBe('whole')
  expect(await readdir(folder)).toEqual(['unpacked'])
})

it('says that Go is needed when there is none', async () => {
  const options = { cache: folder, path: folder, log: () => {} }
  await expect(installGoProgram('example.org/tool@v1.0.0', options)).rejects.toThrow(/Go is needed/)
})

it('reads the plan of apt-get', () => {
  const plan = [
    'Reading package lists...',
    'Inst redis-tools (5:7.0.15-1~deb12u5 Debian:12.9/stable [amd64])',
    'Inst libssl3 [3.0.14-1] (3.0.15-1 Debian:12.9/stable [amd64])',
    'Conf redis-tools (5:7.0.15-1~deb12u5 Debian:12.9/stable [amd64])',
  ].join('\n')
  expect([...plannedPackages(plan)]).toEqual([
    ['redis-tools', '5:7.0.15-1~deb12u5'],
    ['libssl3', '3.0.15-1'],
  ])
})
