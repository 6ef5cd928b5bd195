import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { expect, it } from 'vitest'
import { MIB } from '../../src/protocol/index.js'
import { LOCAL_CREDENTIALS } from '../helpers/local-bucket.js'
import { LocalBucketProcess } from '../helpers/local-bucket-process.js'

const BUCKET = 'partway'
const ROUNDS = 5
const WRITERS = 3

interface Part {
  readonly uploadId: string
  readonly key: string
  readonly etag: string
}

/** What was sent, and what of it the bucket said it has. By the SHA-256 of the bytes. */
class Ledger {
  /** All that a key may hold: what was acknowledged last, and all that was sent since. */
  readonly possible = new Map<string, Set<string>>()
  readonly acknowledged = new Set<string>()
  readonly parts: Part[] = []
  readonly completing = new Set<string>()

  sending(key: string, digest: string): void {
    this.possible.set(key, new Set([...(this.possible.get(key) ?? []), digest]))
  }

  stored(key: string, digest: string): void {
    this.possible.set(key, new Set([digest]))
    this.acknowledged.add(key)
  }
}

it('has after SIGKILL all that it acknowledged, and nothing by halves', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'partway-killed-'))
  const ledger = new Ledger()
  try {
    for (let round = 0; round < ROUNDS; round++) await writeUntilKilled(folder, ledger)
    expect(ledger.acknowledged.size).toBeGreaterThan(ROUNDS * WRITERS)
    expect(ledger.parts.length).toBeGreaterThan(ROUNDS)
    await expectAllThere(folder, ledger)
  } finally {
    await rm(folder, { recursive: true })
  }
})

async function writeUntilKilled(folder: string, ledger: Ledger): Promise<void> {
  const server = await LocalBucketProcess.start(folder)
  const client = clientOf(server)
  const isOver = new AbortController()
  const writers = Array.from({ length: WRITERS }, async (_, writer) => {
    while (!isOver.signal.aborted) {
      await replaceObject(client, ledger, `replaced-${writer}`)
      await replaceObject(client, ledger, randomUUID())
      await uploadInParts(client, ledger, `parts/${randomUUID()}`)
    }
  })
  // A writer ends by the error of the call that was under way when the bucket was killed.
  const ended = Promise.allSettled(writers)
  await delay(500 + Math.random() * 700)
  await server.kill()
  isOver.abort()
  await ended
  client.destroy()
}

async function replaceObject(client: S3Client, ledger: Ledger, key: string): Promise<void> {
  const body = randomBytes(1 + Math.floor(Math.random() * 300_000))
  ledger.sending(key, sha256(body))
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }))
  ledger.stored(key, sha256(body))
}

async function uploadInParts(client: S3Client, ledger: Ledger, key: string): Promise<void> {
  const at = { Bucket: BUCKET, Key: key }
  const { UploadId: uploadId = '' } = await client.send(new CreateMultipartUploadCommand(at))
  const bytes = [Buffer.alloc(5 * MIB, randomBytes(1)), randomBytes(1_000)]
  const sent = bytes.map(async (body, i) => {
    const part = { ...at, UploadId: uploadId, PartNumber: i + 1, Body: body }
    const { ETag = '' } = await client.send(new UploadPartCommand(part))
    ledger.parts.push({ uploadId, key, etag: ETag })
    return { ETag, PartNumber: i + 1 }
  })
  const Parts = await Promise.all(sent)
  const digest = sha256(Buffer.concat(bytes))
  ledger.sending(key, digest)
  ledger.completing.add(uploadId)
  const list = { ...at, UploadId: uploadId, MultipartUpload: { Parts } }
  await client.send(new CompleteMultipartUploadCommand(list))
  ledger.stored(key, digest)
}

async function expectAllThere(folder: string, ledger: Ledger): Promise<void> {
  const server = await LocalBucketProcess.start(folder)
  const client = clientOf(server)
  try {
    const objects = await objectsIn(client)
    for (const key of ledger.acknowledged) expect(objects.has(key), key).toBe(true)
    for (const [key, { digest }] of objects) {
      expect(ledger.possible.get(key)?.has(digest), `the bytes of ${key}`).toBe(true)
    }
    const parts = await openParts(client)
    const openEtags = new Set(parts.map(({ uploadId, etag }) => uploadId + etag))
    for (const { uploadId, etag, key } of ledger.parts) {
      const isObject = ledger.completing.has(uploadId) && objects.has(key)
      expect(isObject || openEtags.has(uploadId + etag), `a part of ${key}`).toBe(true)
    }
    const segments = [...objects.values()].reduce((sum, object) => sum + object.segments, 0)
    const files = await readdir(join(folder, 'blobs'))
    expect(files).toHaveLength(segments + parts.length)
  } finally {
    client.destroy()
    await server.kill()
  }
}

async function objectsIn(client: S3Client) {
  const objects = new Map<string, { digest: string; segments: number }>()
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: BUCKET })) {
    for (const { Key = '', ETag = '', Size } of Contents) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key }))
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array()
      expect(bytes.length, `the size of ${Key}`).toBe(Size)
      const segments = Number(/-(\d+)"$/.exec(ETag)?.[1] ?? 1)
      objects.set(Key, { digest: sha256(bytes), segments })
    }
  }
  return objects
}

async function openParts(client: S3Client): Promise<Part[]> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }))
  const lists = Uploads.map(async ({ Key: key = '', UploadId: uploadId = '' }) => {
    const target = { Bucket: BUCKET, Key: key, UploadId: uploadId }
    const { Parts = [] } = await client.send(new ListPartsCommand(target))
    return Parts.map(({ ETag: etag = '' }) => ({ uploadId, key, etag }))
  })
  return (await Promise.all(lists)).flat()
}

function clientOf({ url }: LocalBucketProcess): S3Client {
  return new S3Client({
    region: 'us-east-1',
    endpoint: url,
    forcePathStyle: true,
    credentials: LOCAL_CREDENTIALS,
    maxAttempts: 1,
  })
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
