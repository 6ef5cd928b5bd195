import { afterEach, describe, expect, it } from 'vitest'
import { type ConnectS3Options, connectS3, type S3Connection } from '../../../src/bucket/index.js'
import { scriptedServer } from './scripted-server.js'

const OPTIONS: ConnectS3Options = {
  bucket: 'bucket',
  region: 'eu-central-1',
  credentials: { accessKeyId: 'AK', secretAccessKey: 'SK' },
  clock: { now: () => Date.UTC(2026, 0, 2, 3, 4, 5) },
}

const connections: S3Connection[] = []
afterEach(() => {
  for (const connection of connections.splice(0)) connection.close()
})

function connect(options: Partial<ConnectS3Options>): S3Connection {
  const connection = connectS3({ ...OPTIONS, ...options })
  connections.push(connection)
  return connection
}

async function urlOf({ signer }: S3Connection): Promise<URL> {
  const [part] = await signer.signParts({
    key: 'a/b',
    multipartId: 'm',
    checksum: 'none',
    parts: [{ index: 1, size: 5 }],
    expiresInSeconds: 60,
  })
  return new URL(part?.url ?? '')
}

describe('connectS3', () => {
  it('gives clients URLs of AWS when no endpoint is set', async () => {
    const url = await urlOf(connect({}))
    expect(url.origin + url.pathname).toBe('https://bucket.s3.eu-central-1.amazonaws.com/a/b')
  })

  it('has the bucket in the path of an endpoint, unless told otherwise', async () => {
    const endpoint = 'http://minio.example:9000'
    const inPath = await urlOf(connect({ endpoint }))
    expect(inPath.origin + inPath.pathname).toBe('http://minio.example:9000/bucket/a/b')
    const inHost = await urlOf(connect({ endpoint, forcePathStyle: false }))
    expect(inHost.origin + inHost.pathname).toBe('http://bucket.minio.example:9000/a/b')
  })

  it('calls the bucket at its own endpoint and gives clients URLs of the public one', async () => {
    const server = await scriptedServer([{ status: 200 }])
    try {
      const connection = connect({
        endpoint: server.url,
        publicEndpoint: 'https://files.example',
      })
      expect((await urlOf(connection)).origin).toBe('https://files.example')
      await connection.bucket.check()
      expect(server.requests).toEqual(['HEAD /bucket/'])
    } finally {
      await server.stop()
    }
  })

  it('dates the URLs by the clock it is given', async () => {
    expect((await urlOf(connect({}))).searchParams.get('X-Amz-Date')).toBe('20260102T030405Z')
  })

  it('asks for the credentials once, however many clients share them', async () => {
    let asked = 0
    const credentials = async () => {
      asked += 1
      return { accessKeyId: 'AK', secretAccessKey: 'SK' }
    }
    const server = await scriptedServer([{ status: 200 }])
    try {
      const connection = connect({ credentials, endpoint: server.url, publicEndpoint: server.url })
      await connection.bucket.check()
      await urlOf(connection)
      expect(asked).toBe(1)
    } finally {
      await server.stop()
    }
  })

  it('sends further headers with each call, of which the signature says nothing', async () => {
    const server = await scriptedServer([{ status: 404 }, { status: 500 }])
    try {
      let count = 0
      const headers = () => ({ traceparent: `trace-${++count}` })
      const { bucket } = connect({ endpoint: server.url, headers })
      await expect(bucket.headObject('k')).resolves.toEqual({ kind: 'absent' })
      const completion = {
        key: 'k',
        multipartId: 'm',
        checksum: 'none',
        parts: [],
        size: 0,
      } as const
      await expect(bucket.completeMultipartUpload(completion)).rejects.toThrow()
      expect(server.headers.map(({ traceparent }) => traceparent)).toEqual(['trace-1', 'trace-2'])
      for (const { authorization = '' } of server.headers) {
        expect(authorization).toMatch(/SignedHeaders=[a-z0-9;-]+,/)
        expect(authorization).not.toContain('trace')
      }
    } finally {
      await server.stop()
    }
  })
})
