import { createHash, randomInt, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { CreateUploadOptions } from '../../../src/client/index.js'
import { sha256OfObject } from '../../e2e/files.js'
import { ServerProcess } from '../../helpers/programs.js'
import { createTestBucket, type TestBucket } from '../../helpers/s3-fixture.js'
import { minioUrl } from '../../helpers/services.js'
import { BucketGate } from './bucket-gate.js'
import { PATIENCE_MS } from './launch-chromium.js'
import type { SeededFile, UploadEnd } from './page.js'
import { type PageServer, servePage } from './page-server.js'
import { seededBytes } from './seeded-bytes.js'

export const MIB = 1024 * 1024

export interface StageOptions {
  /** Variables of the coordinator. */
  readonly env?: Readonly<Record<string, string>>
  /** Of the server that has the bucket, with its credentials. @default MinIO's */
  readonly bucketUrl?: string
  /** Of the page, as the browser knows it. @default 127.0.0.1 */
  readonly host?: string
}

/** Options that can be handed to a page: plain data. */
export type PlainOptions = Partial<
  Pick<CreateUploadOptions, 'concurrency' | 'chunkSize' | 'checksum' | 'stallMs' | 'retry'>
>

/**
 * Everything that an upload from a page needs, each at an origin of its own: a page with the built client, the
 * built coordinator with SQLite, a real bucket with a gate before it, and a fresh profile.
 */
export class Stage {
  readonly bucket: TestBucket
  readonly gate: BucketGate
  readonly server: ServerProcess
  readonly context: BrowserContext
  readonly pages: PageServer
  readonly #folder: string

  private constructor(
    parts: Omit<Stage, 'openPage' | 'close' | 'sha256At' | 'leftovers'>,
    folder: string,
  ) {
    this.bucket = parts.bucket
    this.gate = parts.gate
    this.server = parts.server
    this.context = parts.context
    this.pages = parts.pages
    this.#folder = folder
  }

  static async open(browser: Browser, options: StageOptions = {}): Promise<Stage> {
    const { env = {}, bucketUrl = minioUrl(), host } = options
    const folder = await mkdtemp(join(tmpdir(), 'partway-browser-'))
    const bucket = await createTestBucket(bucketUrl)
    const gate = new BucketGate(bucket.endpoint)
    const publicEndpoint = await gate.start()
    const pages = await servePage(host)
    const server = await ServerProcess.start({
      ...{ bucket: bucket.bucket, bucketUrl, publicEndpoint },
      store: `sqlite:${join(folder, 'sessions.db')}`,
      env: { PARTWAY_CORS_ORIGINS: pages.origin, ...env },
    })
    const context = await browser.newContext()
    context.setDefaultTimeout(PATIENCE_MS)
    return new Stage({ bucket, gate, server, context, pages }, folder)
  }

  async openPage(): Promise<StagedPage> {
    const page = await this.context.newPage()
    await page.goto(this.pages.origin)
    await page.waitForFunction(() => document.title === 'ready')
    return new StagedPage(page, this.server.url)
  }

  sha256At(key: string): Promise<string> {
    return sha256OfObject(this.bucket.client, { bucket: this.bucket.bucket, key })
  }

  /** What is in the bucket: keys of objects, and of multipart uploads that are open (with `ListMultipartUploads` of each key). */
  async leftovers(key: string): Promise<{ objects: number; uploads: number }> {
    const { client, bucket: Bucket } = this.bucket
    const [objects, uploads] = await Promise.all([
      client.send(new ListObjectsV2Command({ Bucket })),
      // MinIO lists the uploads of an exact key only.
      client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: key })),
    ])
    return { objects: objects.KeyCount ?? 0, uploads: uploads.Uploads?.length ?? 0 }
  }

  async close(): Promise<void> {
    await this.context.close()
    await this.server.kill('SIGTERM')
    await this.pages.stop()
    await this.gate.stop()
    await this.bucket.remove()
    await rm(this.#folder, { recursive: true })
  }
}

/** A tab with the client loaded. */
export class StagedPage {
  readonly page: Page
  readonly #endpoint: string

  constructor(page: Page, endpoint: string) {
    this.page = page
    this.#endpoint = endpoint
  }

  async begin(file: SeededFile, options: PlainOptions = {}): Promise<void> {
    const all = { ...options, endpoint: this.#endpoint }
    await this.page.evaluate(([chosen, opts]) => window.stage.begin(chosen, opts), [
      file,
      all,
    ] as const)
  }

  /** Chooses a file of the disk, as a person does. */
  async beginChosen(path: string, options: PlainOptions = {}): Promise<void> {
    await this.page.evaluate(() => {
      document.body.append(Object.assign(document.createElement('input'), { type: 'file' }))
    })
    await this.page.setInputFiles('input', path)
    await this.page.evaluate(
      (opts) => {
        const file = document.querySelector('input')?.files?.[0]
        if (file !== undefined) window.stage.beginWith(file, opts)
      },
      { ...options, endpoint: this.#endpoint },
    )
  }

  end(): Promise<UploadEnd> {
    return this.page.evaluate(() => window.stage.end())
  }

  state(): Promise<string | undefined> {
    return this.page.evaluate(() => window.stage.upload?.state)
  }

  states(): Promise<string[]> {
    return this.page.evaluate(() => window.stage.states)
  }

  async waitForState(state: string): Promise<void> {
    await this.page.waitForFunction((wanted) => window.stage.upload?.state === wanted, state)
  }

  async pause(): Promise<void> {
    await this.page.evaluate(() => window.stage.upload?.pause())
  }

  async resume(): Promise<void> {
    await this.page.evaluate(() => window.stage.upload?.resume())
  }

  async cancel(): Promise<void> {
    await this.page.evaluate(() => window.stage.upload?.cancel())
  }

  uploadId(): Promise<string | undefined> {
    return this.page.evaluate(() => window.stage.upload?.uploadId)
  }

  async reload(): Promise<void> {
    await this.page.reload()
    await this.page.waitForFunction(() => document.title === 'ready')
  }
}

/** A file that no other test has. */
export function someFile(size: number): SeededFile {
  const seed = randomInt(1, 2 ** 31)
  return { seed, size, name: `${randomUUID()}.bin`, lastModified: 1_700_000_000_000 }
}

export function sha256Of({ seed, size }: SeededFile): string {
  return createHash('sha256').update(seededBytes(seed, size)).digest('hex')
}
