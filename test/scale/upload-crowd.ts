import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3'
import { expect } from 'vitest'
import { type UploadResult, uploadFile } from '../../src/client/node.js'
import { MIB } from '../../src/protocol/index.js'
import { type Told, told } from './event-audience.js'
import type { Account, ScaleFleet } from './scale-fleet.js'

const CHUNK = 5 * MIB
const SMALL = 32 * 1024

interface CrowdFile {
  readonly path: string
  readonly size: number
  readonly sha256: string
  readonly account: Account
}

/** Many uploads of different files, by the accounts in turn, all at once. */
export class UploadCrowd {
  readonly #fleet: ScaleFleet
  readonly #files: readonly CrowdFile[]
  #ended = 0

  private constructor(fleet: ScaleFleet, files: readonly CrowdFile[]) {
    this.#fleet = fleet
    this.#files = files
  }

  /** So many files, of which one in ten has two parts. */
  static async of(fleet: ScaleFleet, count: number): Promise<UploadCrowd> {
    const files: CrowdFile[] = []
    for (let i = 0; i < count; i++) {
      const account = fleet.accounts[i % fleet.accounts.length]
      if (account === undefined) throw new Error('the fleet has no accounts')
      const bytes = randomBytes(i % 10 === 0 ? CHUNK + SMALL : SMALL)
      const path = join(fleet.folder, `file-${i}.bin`)
      await writeFile(path, bytes)
      files.push({ path, size: bytes.length, sha256: sha256(bytes), account })
    }
    return new UploadCrowd(fleet, files)
  }

  /**
   * Resolves with what each was told; rejects as soon as one of them cannot go on. Every second one begins only when
   * `others` resolves.
   */
  async upload(others?: Promise<void>): Promise<UploadResult[]> {
    this.#ended = 0
    return await Promise.all(
      this.#files.map(async ({ path, account: { token } }, position) => {
        if (position % 2 === 1) await others
        const result = await uploadFile(path, { server: this.#fleet.url, token, chunkSize: CHUNK })
        this.#ended++
        return result
      }),
    )
  }

  /** Resolves when that share of the uploads, from 0 to 1, is completed. */
  async reached(share: number): Promise<void> {
    await this.#until(Math.ceil(share * this.#files.length))
  }

  /** Resolves when so many more uploads than now are completed. */
  async more(count: number): Promise<void> {
    await this.#until(this.#ended + count)
  }

  async #until(count: number): Promise<void> {
    await expect
      .poll(() => this.#ended, { timeout: 60_000, interval: 10 })
      .toBeGreaterThanOrEqual(count)
  }

  get ended(): number {
    return this.#ended
  }

  /** How many of those the store does not know as completed. */
  async forgotten(results: readonly UploadResult[]): Promise<number> {
    const states = results.map(async ({ uploadId: id }, position) => {
      const { owner = '' } = this.#files[position]?.account ?? {}
      return (await this.#fleet.store.find({ owner, id }, Date.now()))?.upload.state
    })
    return (await Promise.all(states)).filter((state) => state !== 'completed').length
  }

  /** What may be told of them by webhook, and must be. */
  toBeTold(results: readonly UploadResult[]): Set<Told> {
    const all = results.map(({ object, uploadId }, position) => {
      const { path = '', size = -1, account } = this.#files[position] ?? {}
      const about = { uploadId, owner: account?.owner ?? '', filename: basename(path), size }
      return told({ type: 'upload.completed', ...about, state: 'completed', object })
    })
    expect(new Set(all).size).toBe(this.#files.length)
    return new Set(all)
  }

  /** Asks the bucket and the store themselves: all is there, once, and nothing besides. */
  async verify(results: readonly UploadResult[]): Promise<void> {
    const { store, bucket: fixture, accounts } = this.#fleet
    const { client, bucket: Bucket } = fixture
    expect(results).toHaveLength(this.#files.length)
    for (const [position, { object, uploadId }] of results.entries()) {
      const file = this.#files[position]
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: object.key }))
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array()
      expect(sha256(bytes), object.key).toBe(file?.sha256)
      const ref = { owner: file?.account.owner ?? '', id: uploadId }
      expect((await store.find(ref, Date.now()))?.upload).toMatchObject({
        state: 'completed',
        object,
      })
      // MinIO lists the unfinished uploads of a whole key only.
      const open = new ListMultipartUploadsCommand({ Bucket, Prefix: object.key })
      expect((await client.send(open)).Uploads ?? []).toEqual([])
    }
    const keys = await this.#keys()
    expect(keys.toSorted()).toEqual(results.map(({ object }) => object.key).toSorted())
    for (const { owner } of accounts) {
      const sizes = this.#files
        .filter(({ account }) => account.owner === owner)
        .map((file) => file.size)
      const storedBytes = sizes.reduce((sum, size) => sum + size, 0)
      const usage = await store.usage(owner, Date.now())
      expect(usage).toMatchObject({ openUploads: 0, reservedBytes: 0, storedBytes })
    }
  }

  async #keys(): Promise<string[]> {
    const { client, bucket: Bucket } = this.#fleet.bucket
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }))
    return Contents.map(({ Key = '' }) => Key).filter((key) => !key.startsWith('.partway-probe/'))
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
