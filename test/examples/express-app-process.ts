import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { freePort, NodeProcess, until } from '../helpers/programs.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { copyExample } from './example-copy.js'

export interface ExpressApp {
  readonly url: string
  readonly process: NodeProcess
  /** Its copy of the example, where it keeps its sessions. */
  readonly folder: string
  readonly bucket: TestBucket
  /** Stops it, and removes all that it had. */
  remove(): Promise<void>
}

/** `examples/express-app` as a process, with a bucket of its own; resolves when it listens. */
export async function startExpressApp(serviceUrl: string): Promise<ExpressApp> {
  const example = await copyExample('express-app', ['express'])
  const bucket = await createTestBucket(serviceUrl)
  const port = await freePort()
  const process = new NodeProcess([join(example.folder, 'server.js')], {
    PORT: String(port),
    DATABASE: join(example.folder, 'sessions.db'),
    PARTWAY_SECRET: randomBytes(32).toString('hex'),
    SESSION_SECRET: randomBytes(32).toString('hex'),
    PARTWAY_BUCKET: bucket.bucket,
    PARTWAY_S3_ENDPOINT: bucket.endpoint,
    AWS_ACCESS_KEY_ID: bucket.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: bucket.credentials.secretAccessKey,
  })
  const remove = async (): Promise<void> => {
    await process.kill('SIGKILL')
    await bucket.remove()
    await example.remove()
  }
  const url = `http://localhost:${port}`
  const hasEnded = () => process.child.exitCode !== null
  await until(() => hasEnded() || process.lines.includes(url), 'the app to start')
  if (!hasEnded()) return { url, process, folder: example.folder, bucket, remove }
  await remove()
  throw new Error(`the app did not start:\n${process.log}`)
}
