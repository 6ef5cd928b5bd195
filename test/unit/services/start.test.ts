import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { answersHttp } from '../../../infra/services/answers.js'
import { CATALOGUE } from '../../../infra/services/catalogue.js'
import { findProgram } from '../../../infra/services/path.js'
import type { Service } from '../../../infra/services/service.js'
import { startProgram } from '../../../infra/services/start.js'

const SERVER = "require('node:http').createServer((_, res) => res.end()).listen(process.argv[1])"
const node = { path: process.execPath }

function service(script: string): Service {
  return {
    ...CATALOGUE.minio,
    launch: ({ port }) => ({ args: ['-e', script, String(port)], env: {} }),
    answers: (url) => answersHttp(url, '/'),
  }
}

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partway-start-'))
})

afterEach(() => rm(folder, { recursive: true }))

it('resolves once the program answers, and ends it when told', async () => {
  const { url, stop } = await startProgram(service(SERVER), node)
  await answersHttp(url, '/')
  await stop()
  await expect(answersHttp(url, '/')).rejects.toThrow()
})

it('shows what a program wrote when it ends before it answers', async () => {
  const broken = service("console.error('no space left'); process.exit(1)")
  await expect(startProgram(broken, node)).rejects.toThrow(/ended by itself\nno space left/)
})

it('says so when the program is not there', async () => {
  const absent = { path: join(folder, 'absent') }
  await expect(startProgram(service(SERVER), absent)).rejects.toThrow(/ENOENT/)
})

it('finds the first executable of a name on PATH', async () => {
  const program = join(folder, 'tool')
  await writeFile(program, '#!/bin/sh\n')
  expect(await findProgram('tool', `/nowhere::${folder}`)).toBeUndefined()
  await chmod(program, 0o755)
  expect(await findProgram('tool', `/nowhere::${folder}`)).toBe(program)
})
