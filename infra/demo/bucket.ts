import { createHash, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'

/** A bucket of the demo's own, seen as any S3 client sees it. */
export class DemoBucket {
  readonly name = `partway-demo-${randomUUID()}`
  readonly endpoint: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly #client: S3Client

  /** @param url of the bucket server, with its credentials */
  constructor(url: string) {
    const { origin, username, password } = new URL(url)
    this.endpoint = origin
    this.credentials = {
      accessKeyId: decodeURIComponent(username),
      secretAccessKey: decodeURIComponent(password),
    }
    this.#client = new S3Client({
      endpoint: origin,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: this.credentials,
    })
  }

  async create(): Promise<void> {
    await this.#client.send(new CreateBucketCommand({ Bucket: this.name }))
  }

  async keys(): Promise<string[]> {
    const { Contents } = await this.#client.send(new ListObjectsV2Command({ Bucket: this.name }))
    return (Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key]))
  }

  /** SHA-256 of the object as it is downloaded, hexadecimal. */
  async sha256(key: string): Promise<string> {
    const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.name, Key: key }))
    if (!(Body instanceof Readable)) throw new Error(`${key} has no body`)
    const hash = createHash('sha256')
    await pipeline(Body, hash)
    return hash.digest('hex')
  }

  /** Removes the bucket with all that is in it. */
  async remove(): Promise<void> {
    for (const key of await this.keys()) {
      await this.#client.send(new DeleteObjectCommand({ Bucket: this.name, Key: key }))
    }
    await this.#client.send(new DeleteBucketCommand({ Bucket: this.name }))
    this.#client.destroy()
  }
}
