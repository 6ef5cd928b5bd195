import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DevProcess } from '../helpers/dev-process.js'
import { hasIpv6 } from '../helpers/ipv6.js'
import { PartwayProcess } from '../helpers/programs.js'

const run = promisify(execFile)
const SCRIPT = new URL('../../examples/upload.sh', import.meta.url).pathname

let folder: string
let dev: DevProcess | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partway-dev-test-'))
})
afterEach(async () => {
  await dev?.kill('SIGKILL')
  dev = undefined
  await rm(folder, { recursive: true })
})

const statusOf = async (url: string) => (await fetch(url)).status

describe('partway dev', () => {
  it('is ready and shows the page, on both loopback addresses', async () => {
    dev = await DevProcess.start(join(folder, 'state'))
    for (const host of ['localhost', '127.0.0.1', ...(hasIpv6() ? ['[::1]'] : [])]) {
      expect(await statusOf(`http://${host}:${dev.port}/readyz`)).toBe(200)
    }
    const page = await fetch(dev.url)
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(page.headers.get('content-security-policy')).toBe(
      `default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none';script-src 'self' 'wasm-unsafe-eval';worker-src 'self';style-src 'self';img-src 'self';connect-src 'self' http://127.0.0.1:${dev.bucketPort}`,
    )
  })

  it('serves every file that the page and its scripts name', async () => {
    dev = await DevProcess.start(join(folder, 'state'))
    const seen = new Set<string>()
    const waiting = [dev.url]
    for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
      if (seen.has(url)) continue
      seen.add(url)
      const reply = await fetch(url)
      expect(`${reply.status} ${new URL(url).pathname}`).toMatch(/^200 /)
      for (const name of namesIn(await reply.text())) waiting.push(new URL(name, url).href)
    }
    const paths = [...seen].map((url) => new URL(url).pathname)
    expect(paths).toContain('/page/page.js')
    expect(paths).toContain('/page/hash-worker.js')
  })

  it('prints a line for curl that works', async () => {
    dev = await DevProcess.start(join(folder, 'state'))
    const line = dev.output.split('\n').find((text) => text.trim().startsWith('curl ')) ?? ''
    const { stdout } = await run('sh', ['-c', line])
    expect(JSON.parse(stdout)).toMatchObject({ state: 'uploading', parts: [{ index: 1, size: 5 }] })
  })

  it('keeps its secrets for this user alone', async () => {
    dev = await DevProcess.start(join(folder, 'state'))
    const { mode } = await stat(join(folder, 'state', 'dev-secrets.json'))
    expect(mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'state'))).mode & 0o777).toBe(0o700)
  })

  it('knows an upload again after it was killed and started again', async () => {
    const file = join(folder, 'file.bin')
    await writeFile(file, randomBytes(6 * 1024 * 1024))
    dev = await DevProcess.start(join(folder, 'state'))
    const first = JSON.parse((await run(SCRIPT, [file, dev.url])).stdout)
    expect(first.state).toBe('completed')
    const ports = { port: dev.port, bucketPort: dev.bucketPort }
    await dev.kill('SIGKILL')
    dev = await DevProcess.start(join(folder, 'state'), ports)
    const reply = await fetch(`${dev.url}/upload/status?upload_id=${first.upload_id}`)
    expect(await reply.json()).toMatchObject({ state: 'completed', object: first.object })
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('stops at %s with exit code 0', async (signal) => {
    dev = await DevProcess.start(join(folder, 'state'))
    expect((await dev.kill(signal)).code).toBe(0)
  })

  it('says which port is taken, and how to choose another', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as { port: number }
    const args = ['dev', '--dir', join(folder, 'state'), '--port']
    const asServer = await new PartwayProcess([...args, `${port}`, '--bucket-port', '0']).ended
    const asBucket = await new PartwayProcess([...args, '0', '--bucket-port', `${port}`]).ended
    other.close()
    expect(asServer.code).toBe(1)
    expect(asServer.stderr).toContain(
      `The server needs port ${port}, which another program has. Stop that one, or choose another port, such as: partway dev --port ${otherThan(port)}`,
    )
    expect(asBucket.code).toBe(1)
    expect(asBucket.stderr).toContain(`partway dev --bucket-port ${otherThan(port)}`)
  })

  it('says that another one has the folder', async () => {
    dev = await DevProcess.start(join(folder, 'state'))
    const args = ['dev', '--dir', join(folder, 'state'), '--port', '0', '--bucket-port', '0']
    const second = await new PartwayProcess(args).ended
    expect(second.code).toBe(1)
    expect(second.stderr).toContain(`is running on ${join(folder, 'state')}`)
    expect(await statusOf(`${dev.url}/readyz`)).toBe(200)
  })

  it('refuses settings that are not valid before it makes anything', async () => {
    const state = join(folder, 'state')
    const ended = await new PartwayProcess(['dev', '--dir', state], { PARTWAY_MAX_SIZE: 'x' }).ended
    expect(ended.code).toBe(2)
    expect(ended.stderr).toContain('PARTWAY_MAX_SIZE')
    await expect(stat(state)).rejects.toThrow('ENOENT')
  })
})

function otherThan(port: number): number {
  return port < 60_000 ? port + 10 : port - 10
}

/** What a page, or a script, will ask for sooner or later. */
function namesIn(text: string): string[] {
  const inPage = text.matchAll(/(?:src|href)="([^"#]+)"/g)
  const inScript = text.matchAll(/(?:from|import\(|URL\(|import)\s*["'](\.\/[^"']+\.js)["']/g)
  const found = text.startsWith('<!doctype') ? inPage : inScript
  return [...found].map(([, name]) => name ?? '')
}
