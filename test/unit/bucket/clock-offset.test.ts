import { afterEach, describe, expect, it } from 'vitest'
import { connectS3, type S3Connection } from '../../../src/bucket/index.js'
import { type ScriptedReply, type ScriptedServer, scriptedServer } from './scripted-server.js'

let server: ScriptedServer | undefined
let connection: S3Connection | undefined

afterEach(async () => {
  connection?.close()
  await server?.stop()
})

async function connect(script: readonly ScriptedReply[]): Promise<S3Connection> {
  server = await scriptedServer(script)
  connection = connectS3({
    bucket: 'bucket',
    region: 'us-east-1',
    endpoint: server.url,
    credentials: { accessKeyId: 'AK', secretAccessKey: 'SK' },
  })
  return connection
}

const DAY = 86_400_000

describe("the bucket's clock", () => {
  it.each([-DAY, 0, DAY])('is read off a reply (ours is %d ms ahead)', async (ahead) => {
    const { clockOffset } = await connect([{ status: 200 }])
    const offset = await clockOffset({ now: () => Date.now() + ahead })
    expect(Math.abs(offset + ahead)).toBeLessThan(5_000)
  })

  it('is read off a refusal, too', async () => {
    const { clockOffset } = await connect([{ status: 403 }])
    const offset = await clockOffset({ now: () => Date.now() - DAY })
    expect(Math.abs(offset - DAY)).toBeLessThan(5_000)
  })

  it('is not known when nobody answers', async () => {
    const { clockOffset } = await connect(['reset'])
    await expect(clockOffset({ now: () => Date.now() })).rejects.toThrow()
  })
})
