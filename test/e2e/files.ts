import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'

const MIB = 1024 * 1024

/** A file of random bytes, written a MiB at a time. */
export async function writeRandomFile(path: string, mebibytes: number): Promise<void> {
  const file = await open(path, 'w')
  for (let written = 0; written < mebibytes; written++) await file.write(randomBytes(MIB))
  await file.close()
}

export async function sha256OfFile(path: string): Promise<string> {
  return sha256Of(createReadStream(path))
}

export async function sha256OfObject(
  client: S3Client,
  { bucket, key }: { readonly bucket: string; readonly key: string },
): Promise<string> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
  if (Body === undefined) throw new Error('the object has no body')
  return sha256Of(Body.transformToWebStream())
}

async function sha256Of(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}
