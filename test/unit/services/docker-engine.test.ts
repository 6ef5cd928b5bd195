import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { findDockerEngine } from '../../../infra/services/docker-engine.js'

let path: string

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'partway-engine-'))
})
afterEach(() => rm(path, { recursive: true }))

async function program(name: string, script: string): Promise<void> {
  await writeFile(join(path, name), `#!/bin/sh\n${script}\n`)
  await chmod(join(path, name), 0o755)
}

const find = (mayStart = false) => findDockerEngine({ path, mayStart, log: () => {} })

const reasons = async (mayStart?: boolean) => {
  const found = await find(mayStart)
  return found.kind === 'missing' ? found.attempts.map(({ reason }) => reason) : [found.kind]
}

it('takes the engine that answers, with the compose that docker has', async () => {
  await program('docker', 'echo "version 1"')
  const found = await find()
  const compose = found.kind === 'found' ? found.engine.compose : []
  expect([found.kind, compose]).toEqual(['found', [join(path, 'docker'), 'compose']])
})

it('takes docker-compose where docker has no compose', async () => {
  await program('docker', '[ "$1" = version ]')
  await program('docker-compose', 'exit 0')
  const found = await find()
  const compose = found.kind === 'found' ? found.engine.compose : []
  expect(compose).toEqual([join(path, 'docker-compose')])
})

it('says why it has no engine, and starts none unless it may', async () => {
  await program('docker', 'echo "is the daemon running?"; exit 1')
  await program('dockerd', 'exit 0')
  expect(await reasons()).toEqual([
    expect.stringContaining('is the daemon running?'),
    'one is started only for root, with CI set',
  ])
})

it('says what an engine that does not start has said', async () => {
  await program('docker', 'exit 1')
  await program('dockerd', 'echo "no room for overlays"; exit 1')
  const [, ended] = await reasons(true)
  expect(ended).toMatch(/no room for overlays/)
})
