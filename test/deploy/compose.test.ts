import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { sha256OfFile, sha256OfObject, writeRandomFile } from '../e2e/files.js'
import { freePort, PartwayProcess } from '../helpers/programs.js'
import {
  compose,
  type Docker,
  docker,
  hasCompose,
  hasEngine,
  removeImage,
} from './support/docker.js'
import { buildServerImage, makeMinioImage, makeRedisImage } from './support/images.js'

const FILES = ['docker-compose.yml', 'test/deploy/compose.test.override.yml']

describe.skipIf(!hasEngine())('the image of the server', () => {
  const image = `partway-test/server:${inject('runId')}`
  const container = `partway-test-${inject('runId')}`

  beforeAll(() => buildServerImage(image))
  afterAll(async () => {
    await docker('rm', '--force', container).catch(() => {})
    await removeImage(image)
    await removeImage(`${image}-base`)
  })

  const state = async () => JSON.parse(await docker('inspect', container))[0].State

  it('says what is missing and ends with 2, and is the command line as well', async () => {
    await expect(docker('run', '--rm', '--network', 'none', image)).rejects.toThrow(
      /failed \(2\)[\s\S]*PARTWAY_BUCKET/,
    )
    expect(await docker('run', '--rm', '--network', 'none', image, '--version')).toMatch(
      /^\d+\.\d+\.\d+$/,
    )
  })

  it('has neither sources nor what only builds it', async () => {
    const list = "process.stdout.write(require('node:fs').readdirSync('.').join())"
    const names = "process.stdout.write(require('node:fs').readdirSync('node_modules').join())"
    const node = (code: string) =>
      docker('run', '--rm', '--network', 'none', '--entrypoint', 'node', image, '-e', code)
    expect(await node(list)).toBe('dist,node_modules,package.json')
    const modules = (await node(names)).split(',')
    expect(modules).toContain('express')
    expect(modules).not.toContain('vitest')
    expect(modules).not.toContain('typescript')
  })

  it('runs without root on a read-only file system, becomes healthy, and ends with 0 when it is stopped', async () => {
    const settings = {
      PARTWAY_BUCKET: 'uploads',
      PARTWAY_S3_ENDPOINT: 'http://127.0.0.1:9',
      PARTWAY_SECRET: 'the secret of a test of the image that is long enough',
      PARTWAY_ALLOW_ANONYMOUS: 'true',
      AWS_ACCESS_KEY_ID: 'nobody',
      AWS_SECRET_ACCESS_KEY: 'nothing of worth',
    }
    const env = Object.entries(settings).flatMap(([name, value]) => ['--env', `${name}=${value}`])
    const narrow = ['--read-only', '--cap-drop', 'ALL', '--network', 'none']
    await docker(
      'run',
      '--detach',
      '--name',
      container,
      ...narrow,
      '--health-interval',
      '1s',
      ...env,
      image,
    )

    await untilIt('is healthy', async () => (await state()).Health.Status === 'healthy')
    expect(await docker('exec', container, 'node', '-p', 'process.getuid()')).toBe('1000')
    await docker('stop', '--time', '20', container)

    expect((await state()).ExitCode).toBe(0)
    expect(await docker('logs', container)).toMatch(/"server.stopped"/)
  })

  describe.skipIf(!hasCompose())('with MinIO and Redis by docker-compose.yml', () => {
    const images = {
      MINIO_IMAGE: `partway-test/minio:${inject('runId')}`,
      REDIS_IMAGE: `partway-test/redis:${inject('runId')}`,
    }
    let folder: string
    let ports: { server: number; minio: number }
    let run: Docker
    let server: string

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'partway-compose-'))
      await makeMinioImage(images.MINIO_IMAGE)
      await makeRedisImage(images.REDIS_IMAGE)
      ports = { server: await freePort(), minio: await freePort() }
      const project = compose(`partway-test-${inject('runId')}`, {
        ...images,
        SERVER_IMAGE: image,
        PARTWAY_SECRET: randomBytes(32).toString('hex'),
        SERVER_PORT: String(ports.server),
        MINIO_PORT: String(ports.minio),
        MINIO_CONSOLE_PORT: String(await freePort()),
      })
      run = (...args) => project(...FILES.flatMap((file) => ['-f', file]), ...args)
      server = `http://127.0.0.1:${ports.server}`
      await run('up', '--detach', '--no-build')
    })
    afterAll(async () => {
      await run('down', '--volumes', '--timeout', '5')
      for (const name of Object.values(images)) await removeImage(name)
      await rm(folder, { recursive: true })
    })

    // The port is open before the server is there, and may then say nothing for minutes.
    const ready = () =>
      fetch(`${server}/readyz`, { signal: AbortSignal.timeout(5_000) }).then((reply) => reply.ok)

    it('is ready, and takes a file from the command line; the object is that file', async () => {
      await untilIt('is ready', ready)
      const file = await sampleFile(folder, 12)

      const { key } = await uploaded(file.path, server)

      const bucket = adminOf(ports.minio)
      expect(await sha256OfObject(bucket, { bucket: 'uploads', key })).toBe(file.sha256)
      const open = await bucket.send(new ListMultipartUploadsCommand({ Bucket: 'uploads' }))
      expect(open.Uploads ?? []).toEqual([])
      bucket.destroy()
    })

    it('ends with 0 when it is stopped, and knows after the start what was uploaded', async () => {
      await untilIt('is ready', ready)
      const file = await sampleFile(folder, 6)
      const { uploadId } = await uploaded(file.path, server)

      await run('stop', 'server')
      const id =
        (await run('ps', '--quiet', 'server')) || (await run('ps', '--all', '--quiet', 'server'))
      const [{ State }] = JSON.parse(await docker('inspect', id))
      expect(State.ExitCode).toBe(0)
      await run('start', 'server')
      await untilIt('is ready', ready)

      const { code, stdout } = await new PartwayProcess([
        'status',
        uploadId,
        '--server',
        server,
        '--json',
      ]).ended
      expect([code, JSON.parse(stdout)]).toEqual([
        0,
        expect.objectContaining({ state: 'completed' }),
      ])
    })
  })
})

async function uploaded(path: string, server: string): Promise<{ key: string; uploadId: string }> {
  const upload = new PartwayProcess(['upload', path, '--server', server, '--json'])
  const { code, stderr } = await upload.ended
  expect(code, stderr).toBe(0)
  const completed = upload.events.find((event) => event.type === 'completed')
  const { key } = (completed?.object ?? {}) as { readonly key?: string }
  return { key: key ?? 'no key was printed', uploadId: String(completed?.upload_id) }
}

async function sampleFile(folder: string, mebibytes: number) {
  const path = join(folder, `${mebibytes} MiB.bin`)
  await writeRandomFile(path, mebibytes)
  return { path, sha256: await sha256OfFile(path) }
}

function adminOf(port: number): S3Client {
  return new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    forcePathStyle: true,
    // What docker-compose.yml sets where nothing else is said.
    credentials: { accessKeyId: 'partway-admin', secretAccessKey: 'partway-admin-secret' },
  })
}

async function untilIt(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await holds().catch(() => false)) return
    await sleep(300)
  }
  throw new Error(`waited 60 s in vain until it ${what}`)
}
