import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import type { DevPlace } from './partway.js'

const Bucket = 'uploads'

/** The bucket of `partway dev`, seen as any S3 client sees it. */
export class DemoBucket {
  readonly #client: S3Client

  private constructor(client: S3Client) {
    this.#client = client
  }

  /** With the credentials that `partway dev` keeps in its folder. */
  static async connect({ folder, bucketPort }: DevPlace): Promise<DemoBucket> {
    const text = await readFile(join(folder, 'dev-secrets.json'), 'utf8')
    const { accessKeyId, secretAccessKey }: Record<'accessKeyId' | 'secretAccessKey', string> =
      JSON.parse(text)
    return new DemoBucket(
      new S3Client({
        endpoint: `http://127.0.0.1:${bucketPort}`,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials: { accessKeyId, secretAccessKey },
      }),
    )
  }

  async keys(): Promise<string[]> {
    const { Contents } = await this.#client.send(new ListObjectsV2Command({ Bucket }))
    return (Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key]))
  }

  /** The parts of the one upload that is open, each with what would change if it were sent again. */
  async parts(): Promise<Map<number, string>> {
    const { Uploads } = await this.#client.send(new ListMultipartUploadsCommand({ Bucket }))
    const [upload, ...others] = Uploads ?? []
    if (upload === undefined || others.length > 0) throw new Error('not exactly one upload is open')
    const { Key, UploadId } = upload
    const { Parts } = await this.#client.send(new ListPartsCommand({ Bucket, Key, UploadId }))
    return new Map(
      (Parts ?? []).map(({ PartNumber = 0, ETag, LastModified }) => [
        PartNumber,
        `${ETag} ${LastModified?.toISOString()}`,
      ]),
    )
  }

  /** SHA-256 of the object as it is downloaded, hexadecimal. */
  async sha256(key: string): Promise<string> {
    const { Body } = await this.#client.send(new GetObjectCommand({ Bucket, Key: key }))
    if (!(Body instanceof Readable)) throw new Error(`${key} has no body`)
    const hash = createHash('sha256')
    await pipeline(Body, hash)
    return hash.digest('hex')
  }

  close(): void {
    this.#client.destroy()
  }
}
