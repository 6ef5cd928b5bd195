import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from '../../../src/cli/run-cli.js'
import { FakeService, problem, s3Error } from '../../client/support/fake-service.js'
import { type FakeServiceServer, serveFake } from '../../client/support/fake-service-server.js'
import { FakeIo } from './support/fake-io.js'

let dir: string
let film: string
let service: FakeService
let server: FakeServiceServer
let io: FakeIo

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'partway-cli-'))
  film = join(dir, 'film.mkv')
  await writeFile(film, randomBytes(95))
})
afterAll(() => rm(dir, { recursive: true }))

beforeEach(async () => {
  service = new FakeService({ sleep: (ms) => delay(Math.min(ms, 5)) })
  server = await serveFake(service)
  io = new FakeIo({ PARTWAY_SERVER: server.url })
})
afterEach(() => server.close())

describe('partway upload', () => {
  it('prints the key alone on stdout and exits with 0', async () => {
    expect(await runCli(['upload', film], io)).toBe(0)
    expect(io.stdout.text).toBe('id/film.mkv\n')
    expect(service.size).toBe(95)
    expect(service.state).toBe('completed')
  })

  it('passes its options on to the server', async () => {
    const options = ['--chunk-size', '16MiB', '--checksum', 'sha256', '--content-type', 'video/x']
    const metadata = ['--metadata', 'a=1', '--metadata', 'b=x=y']
    expect(await runCli(['upload', ...options, ...metadata, film], io)).toBe(0)
    const init = service.log.find(({ call }) => call === 'init')
    expect(init?.body).toMatchObject({
      ...{ filename: 'film.mkv', size: 95, chunk_size: 16 * 1024 ** 2, checksum: 'sha256' },
      ...{ content_type: 'video/x', metadata: { a: '1', b: 'x=y' } },
    })
  })

  it('prefers --server to PARTWAY_SERVER', async () => {
    io.env.PARTWAY_SERVER = 'http://127.0.0.1:1'
    expect(await runCli(['upload', film, '--server', server.url], io)).toBe(0)
  })

  it('tells with --json of the beginning, each confirmed part and the object', async () => {
    expect(await runCli(['upload', '--json', film], io)).toBe(0)
    expect(io.messages[0]).toMatchObject({
      ...{ type: 'init', file: film, upload_id: service.uploadId, total_chunks: 10 },
    })
    const progress = io.messages.filter(({ type }) => type === 'progress')
    expect(new Set(progress.map((line) => line.acknowledged_bytes)).size).toBeGreaterThanOrEqual(10)
    expect(progress.at(-1)).toMatchObject({ acknowledged_bytes: 95, total_bytes: 95 })
    expect(io.messages.at(-1)).toMatchObject({
      type: 'completed',
      object: { key: 'id/film.mkv', size: 95 },
    })
    expect(io.stderr.text).toBe('')
  })

  it('tells with --json what was skipped', async () => {
    await runCli(['upload', '--json', '--concurrency', '1', film], io)
    service.state = 'uploading'
    service.stored.delete(4)
    const second = new FakeIo(io.env)
    expect(await runCli(['upload', '--json', film], second)).toBe(0)
    expect(second.messages.find(({ type }) => type === 'resumed')).toMatchObject({
      ...{ skipped_parts: 9, skipped_bytes: 85 },
    })
  })

  it('is silent with --quiet but for the key', async () => {
    service.onPut = (index, attempt) => (index === 2 && attempt === 1 ? 'reset' : undefined)
    expect(await runCli(['upload', '--quiet', film], io)).toBe(0)
    expect(io.stderr.text).toBe('')
    expect(io.stdout.text).toBe('id/film.mkv\n')
  })

  it('draws a bar with speed and time left on a terminal', async () => {
    const terminal = new FakeIo(io.env, { isTTY: true })
    expect(await runCli(['upload', film], terminal)).toBe(0)
    expect(terminal.stderr.text).toContain('95 B of 95 B (100 %)')
    expect(terminal.stderr.text).toContain('\u2588')
    expect(terminal.stdout.text).toBe('id/film.mkv\n')
  })

  it('makes Node warn of nothing with many parts in flight', async () => {
    const large = join(dir, 'large')
    await writeFile(large, randomBytes(1_000))
    service.onPut = (_, attempt) => (attempt === 1 ? s3Error(503, 'SlowDown') : undefined)
    const warnings: Error[] = []
    const listen = (warning: Error) => warnings.push(warning)
    process.on('warning', listen)
    expect(await runCli(['upload', '--quiet', '--concurrency', '32', large], io)).toBe(0)
    await delay(5)
    process.off('warning', listen)
    expect(warnings).toEqual([])
  })

  it('goes on with the next file after one that failed, and exits with the worst code', async () => {
    const missing = join(dir, 'missing')
    expect(await runCli(['upload', missing, film], io)).toBe(5)
    expect(io.stderr.text).toContain(`${missing} does not exist`)
    expect(io.stdout.text).toBe('id/film.mkv\n')
  })

  it('does not let the name of a file act on the terminal', async () => {
    const name = join(dir, 'a\u001b]0;owned\u0007\u202eb')
    expect(await runCli(['upload', name], io)).toBe(5)
    expect(io.stderr.text).toContain('a\\x1b]0;owned\\x07\\u202eb does not exist')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
    expect(io.stderr.text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
  })
})

describe('the exit code of partway upload', () => {
  it('is 3 for a refusal, with the words and the request id of the server', async () => {
    service.onCall = () =>
      problem('TYPE_NOT_ALLOWED', { detail: 'video/x is not allowed', request_id: 'req-7' })
    expect(await runCli(['upload', film], io)).toBe(3)
    expect(io.stderr.text).toContain('video/x is not allowed')
    expect(io.stderr.text).toContain('req-7')
  })

  it('is 3 when the bucket refuses', async () => {
    service.onPut = () => s3Error(403, 'AccessDenied')
    expect(await runCli(['upload', '--json', film], io)).toBe(3)
    expect(io.messages.at(-1)).toMatchObject({
      ...{ type: 'error', code: 'BUCKET_REFUSED', exit_code: 3, file: film },
    })
  })

  it('is 4 when the server asks to come back much later', async () => {
    service.onCall = () => problem('SHUTTING_DOWN', { retry_after_ms: 3_600_000 })
    expect(await runCli(['upload', film], io)).toBe(4)
  })

  it('is 6 when the checksum does not match', async () => {
    service.onPut = () => s3Error(400, 'BadDigest')
    expect(await runCli(['upload', '--json', film], io)).toBe(6)
    expect(io.messages.at(-1)).toMatchObject({ code: 'CHECKSUM_MISMATCH', exit_code: 6 })
  })
})

describe('an interrupt', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s stops with %i and says how to go on', async (name, code) => {
    service.onPut = (index) => {
      if (index === 4) io.emit(name)
      return undefined
    }
    expect(await runCli(['upload', film, join(dir, 'missing')], io)).toBe(code)
    expect(io.stderr.text).toContain('run the same command again to go on')
    expect(io.stderr.text).toContain(`partway abort ${service.uploadId}`)
    expect(io.stderr.text).not.toContain('missing')
    expect(io.listenerCount(name)).toBe(0)
    expect(service.state).toBe('uploading')
    service.onPut = () => undefined
    expect(await runCli(['upload', film], io)).toBe(0)
  })

  it('is told as an error line with --json', async () => {
    service.onPut = (index) => {
      if (index === 4) io.emit('SIGINT')
      return undefined
    }
    expect(await runCli(['upload', '--json', film], io)).toBe(130)
    expect(io.messages.at(-1)).toMatchObject({
      ...{ type: 'error', code: 'INTERRUPTED', exit_code: 130, upload_id: service.uploadId },
    })
  })

  it('ends the process at once when it comes a second time', async () => {
    service.onPut = (index) => {
      if (index === 4) io.emit('SIGINT')
      if (index === 4) io.emit('SIGINT')
      return undefined
    }
    await runCli(['upload', film], io)
    expect(io.exits).toEqual([130])
  })
})

describe('the token', () => {
  it('comes from PARTWAY_TOKEN', async () => {
    io.env.PARTWAY_TOKEN = 'from-env'
    await runCli(['upload', film], io)
    expect(new Set(server.headers.map((headers) => headers.authorization))).toEqual(
      new Set(['Bearer from-env']),
    )
  })

  it('comes from a file, of which others had better have no sight', async () => {
    const path = join(dir, 'token')
    await writeFile(path, 'from-file\n', { mode: 0o600 })
    expect(await runCli(['upload', film, '--token-file', path], io)).toBe(0)
    expect(server.headers[0]?.authorization).toBe('Bearer from-file')
    expect(io.stderr.text).not.toContain('Warning')
    await chmod(path, 0o644)
    expect(await runCli(['upload', film, '--token-file', path], io)).toBe(0)
    expect(io.stderr.text).toContain(`others can read the token file ${path}`)
    expect(io.stderr.text).not.toContain('from-file')
  })

  it.each(['two words', 'a\nInjected: header', ' '])('is refused when it is %j', async (token) => {
    io.env.PARTWAY_TOKEN = token
    expect(await runCli(['upload', film], io)).toBe(2)
    expect(io.stderr.text).toContain('PARTWAY_TOKEN does not hold one bearer token')
    expect(service.log).toEqual([])
  })

  it('is not taken from the command line, where everybody could read it', async () => {
    expect(await runCli(['upload', film, '--token', 'x'], io)).toBe(2)
  })
})

describe('partway status and abort', () => {
  beforeEach(async () => {
    service.onPut = (index) => (index === 4 ? s3Error(400, 'InvalidRequest') : undefined)
    await runCli(['upload', '--quiet', film], new FakeIo(io.env))
  })

  it('show how far an upload is', async () => {
    expect(await runCli(['status', service.uploadId], io)).toBe(0)
    expect(io.stdout.text).toMatch(/^state {5}uploading$/m)
    expect(io.stdout.text).toMatch(/^arrived {3}\d of 10 parts, \d+ B$/m)
  })

  it('take an id that begins as an option does', async () => {
    service.uploadId = `-n${'x'.repeat(41)}`
    expect(await runCli(['status', service.uploadId, '--json'], io)).toBe(0)
    expect(io.messages).toMatchObject([{ upload_id: service.uploadId }])
    expect(await runCli(['abort', service.uploadId], io)).toBe(0)
  })

  it('give the reply of the server with --json', async () => {
    expect(await runCli(['status', '--json', service.uploadId], io)).toBe(0)
    expect(io.messages).toMatchObject([{ upload_id: service.uploadId, total_chunks: 10 }])
  })

  it('discard an upload', async () => {
    expect(await runCli(['abort', service.uploadId], io)).toBe(0)
    expect(io.stdout.text).toBe('aborted\n')
    expect(service.state).toBe('aborted')
  })

  it('exit with 3 for an upload that is not known', async () => {
    expect(await runCli(['status', 'nobody'], io)).toBe(3)
    expect(await runCli(['abort', '--json', 'nobody'], io)).toBe(3)
    expect(io.messages).toMatchObject([{ type: 'error', code: 'UPLOAD_NOT_FOUND', exit_code: 3 }])
  })
})

describe('bad arguments', () => {
  it.each([
    [['upload'], "missing required argument 'file'"],
    [['status'], "missing required argument 'id'"],
    [['upload', 'f', '--concurrency', '0'], '--concurrency', 'a whole number from 1 to 64'],
    [['upload', 'f', '--concurrency', '65'], '--concurrency', 'a whole number from 1 to 64'],
    [['upload', 'f', '--concurrency', '2x'], '--concurrency', 'a whole number from 1 to 64'],
    [['upload', 'f', '--chunk-size', 'big'], '--chunk-size', 'a size such as 16MiB'],
    [['upload', 'f', '--chunk-size', '0'], '--chunk-size', 'a size such as 16MiB'],
    [['upload', 'f', '--chunk-size', '6GiB'], '--chunk-size', 'of at most 5.0 GiB'],
    [['upload', 'f', '--checksum', 'sha1'], '--checksum', 'one of sha256, crc64nvme'],
    [['upload', 'f', '--metadata', 'novalue'], '--metadata', 'key=value'],
    [['upload', 'f', '--metadata', 'Key=v'], '--metadata', 'lower-case letters'],
    [['upload', 'f', '--server', 'nonsense'], 'http:// or https:// address'],
    [['upload', 'f', '--token-file', '/nowhere'], 'The token file /nowhere cannot be read'],
    [['uplod', 'f'], "unknown command 'uplod'"],
    [['upload', 'f', '--fast'], "unknown option '--fast'"],
  ])('%j exit with 2 and say what is wrong', async (args, ...texts) => {
    expect(await runCli(args, io)).toBe(2)
    for (const text of texts) expect(io.stderr.text).toContain(text)
    expect(service.log).toEqual([])
  })

  it('are no help, which exits with 0', async () => {
    expect(await runCli(['--help'], io)).toBe(0)
    expect(io.stdout.text).toContain('Exit codes:')
    expect(await runCli(['--version'], new FakeIo())).toBe(0)
  })
})

it('partway serve runs on the environment that it is given', async () => {
  expect(await runCli(['serve'], io)).not.toBe(0)
  expect(io.stderr.text).toContain('PARTWAY_BUCKET')
})

describe('partway token', () => {
  it('prints the line for the file on stdout, and the token, which is in no line, on stderr', async () => {
    expect(await runCli(['token', 'ada'], io)).toBe(0)
    const token = io.stderr.text.trim()
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/)
    const hash = createHash('sha256').update(token).digest('hex')
    expect(io.stdout.text).toBe(`ada:sha256:${hash}\n`)
  })

  it('makes another one each time', async () => {
    const second = new FakeIo()
    await runCli(['token', 'ada'], io)
    await runCli(['token', 'ada'], second)
    expect(second.stderr.text).not.toBe(io.stderr.text)
  })

  it.each(['', '#ada', ' ada', 'a\nmallory', 'x'.repeat(257)])(
    'refuses the owner %j, which no line could hold',
    async (owner) => {
      expect(await runCli(['token', owner], io)).toBe(2)
      expect(io.stdout.text).toBe('')
      expect(io.stderr.text).toContain('The owner must')
    },
  )
})
