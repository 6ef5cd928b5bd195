import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connectS3, type S3Connection } from '../../src/bucket/index.js'
import { MIB } from '../../src/protocol/index.js'
import { FaultProxy } from '../helpers/fault-proxy.js'
import { type S3CallName, s3CallOf } from '../helpers/s3-call.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { type StoredTestObject, storedObject, streamOf } from './bucket.objects.js'

/** What becomes of an object that is read while the connection to a real server is bad. */
export function brokenReadsContract(serviceUrl: string): void {
  let fixture: TestBucket
  let proxy: FaultProxy<S3CallName>
  let connection: S3Connection
  let object: StoredTestObject

  beforeAll(async () => {
    fixture = await createTestBucket(serviceUrl)
    proxy = new FaultProxy({ target: fixture.endpoint, nameOf: s3CallOf })
    connection = connectS3({ ...fixture, endpoint: await proxy.start(), idleTimeoutMs: 500 })
    object = await storedObject(connection, [randomBytes(3 * MIB)])
  })
  afterAll(async () => {
    connection.close()
    await proxy.stop()
    await fixture.remove()
  })

  function begin(signal?: AbortSignal) {
    const { key, etag, bytes } = object
    const range = { key, etag, start: 0, end: bytes.length }
    return connection.bucket.readObject(signal === undefined ? range : { ...range, signal })
  }

  it.each(['cut', 'stall'] as const)('rejects when the body is %s in the middle', async (fault) => {
    proxy.play({ call: 'GetObject', nth: 1, attempts: 'all', fault: { after: () => fault } })
    const seen: Uint8Array[] = []
    const all = async () => {
      for await (const chunk of streamOf(await begin())) seen.push(chunk)
    }
    await expect(all()).rejects.toThrow()
    expect(proxy.count('GetObject')).toBe(1)
    expect(Buffer.concat(seen).length).toBeGreaterThan(0)
    expect(Buffer.concat(seen).length).toBeLessThan(object.bytes.length)
  })

  it('ends at once, though nothing comes any more, when its reader calls it off', async () => {
    proxy.play({ call: 'GetObject', nth: 1, attempts: 'all', fault: { after: () => 'stall' } })
    const reading = new AbortController()
    const stream = streamOf(await begin(reading.signal))
    const all = buffer(stream)
    const outcome = expect(all).rejects.toThrow('enough')
    reading.abort(new Error('enough'))
    await outcome
    // The proxy waits until the connection is gone.
    await proxy.settled()
  })

  it('waits for a reader who takes longer than the bytes may', async () => {
    proxy.play(undefined)
    const chunks: Uint8Array[] = []
    for await (const chunk of streamOf(await begin())) {
      if (chunks.length < 2) await new Promise((done) => setTimeout(done, 700))
      chunks.push(chunk)
    }
    expect(Buffer.concat(chunks).equals(object.bytes)).toBe(true)
  })

  it('begins again by itself where nothing has come yet', async () => {
    const fault = { before: () => 'drop' as const }
    proxy.play({ call: 'GetObject', nth: 1, attempts: 'first', fault })
    expect((await buffer(streamOf(await begin()))).equals(object.bytes)).toBe(true)
    expect(proxy.struck).toBe(1)
  })

  it('rejects when nothing can be learnt about the object', async () => {
    const { key, etag } = object
    for (const call of ['HeadObject', 'DeleteObject', 'GetObject'] as const) {
      proxy.play({ call, nth: 1, attempts: 'all', fault: { before: () => 'drop' } })
      const outcome = call === 'GetObject' ? begin() : connection.bucket.removeObject({ key, etag })
      await expect(outcome).rejects.toThrow()
    }
    proxy.play(undefined)
    expect(await connection.bucket.headObject(key)).toMatchObject({ kind: 'found' })
  })
}
