import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { freePorts } from '../../../infra/services/start.js'
import { sha256OfObject, writeRandomFile } from '../../e2e/files.js'
import { DevProcess } from '../../helpers/dev-process.js'
import { BucketGate } from './bucket-gate.js'
import { PATIENCE_MS } from './launch-chromium.js'
import { watchPage } from './page-watch.js'

const Bucket = 'uploads'

export interface PageStageOptions extends BrowserContextOptions {
  /** As the browser knows it. @default localhost */
  readonly host?: string
}

/** The page of a real `partway dev`, opened in a fresh profile, with a gate before the embedded bucket. */
export class PageStage {
  readonly folder: string
  readonly gate: BucketGate
  readonly page: Page
  /** What the page did that it should not: see {@link watchPage}. */
  readonly complaints: string[]
  dev: DevProcess
  readonly #context: BrowserContext
  readonly #env: NodeJS.ProcessEnv

  private constructor(
    parts: Pick<PageStage, 'folder' | 'gate' | 'page' | 'complaints' | 'dev'>,
    context: BrowserContext,
    env: NodeJS.ProcessEnv,
  ) {
    this.folder = parts.folder
    this.gate = parts.gate
    this.page = parts.page
    this.complaints = parts.complaints
    this.dev = parts.dev
    this.#context = context
    this.#env = env
  }

  static async open(browser: Browser, options: PageStageOptions = {}): Promise<PageStage> {
    const { host = 'localhost', ...ofContext } = options
    const folder = await mkdtemp(join(tmpdir(), 'partway-page-'))
    const [port, bucketPort] = await freePorts()
    const gate = new BucketGate(`http://127.0.0.1:${bucketPort}`)
    const env = { PARTWAY_S3_PUBLIC_ENDPOINT: await gate.start() }
    const dev = await DevProcess.start(join(folder, 'state'), { port, bucketPort }, env)
    const context = await browser.newContext(ofContext)
    context.setDefaultTimeout(PATIENCE_MS)
    const page = await context.newPage()
    // Only from then on is the dialogue of the browser held back, and it takes a moment.
    page.on('filechooser', () => {})
    const origin = `http://${host}:${port}`
    const complaints = await watchPage(page, [origin, env.PARTWAY_S3_PUBLIC_ENDPOINT])
    await page.goto(origin)
    return new PageStage({ folder, gate, page, complaints, dev }, context, env)
  }

  /** Starts it again where it was. */
  async restart(): Promise<void> {
    const { port, bucketPort } = this.dev
    this.dev = await DevProcess.start(join(this.folder, 'state'), { port, bucketPort }, this.#env)
  }

  async file(name: string, mebibytes: number): Promise<string> {
    const path = join(this.folder, name)
    await writeRandomFile(path, mebibytes)
    return path
  }

  choose(...paths: string[]): Promise<void> {
    return this.page.locator('#files').setInputFiles(paths)
  }

  /** The file in the list of uploads, or of unfinished ones. */
  row(name: string, list: 'upload' | 'unfinished' = 'upload'): Locator {
    return this.page.locator(`#${list}-list .row`).filter({ hasText: name })
  }

  /** Waits until the file is in that state. */
  async isNow(name: string, state: string): Promise<void> {
    await this.row(name).locator('.badge', { hasText: state }).waitFor()
  }

  async shows(name: string, text: string): Promise<void> {
    await this.row(name).getByText(text).waitFor()
  }

  async press(name: string, button: string, list: 'upload' | 'unfinished' = 'upload') {
    await this.row(name, list).getByRole('button', { name: button }).click()
  }

  async keyOf(name: string): Promise<string> {
    return (await this.row(name).locator('dd').first().textContent()) ?? ''
  }

  async sha256At(key: string): Promise<string> {
    return this.#withClient((client) => sha256OfObject(client, { bucket: Bucket, key }))
  }

  /** How many objects there are, and multipart uploads that are open. */
  leftovers(): Promise<{ objects: number; uploads: number }> {
    return this.#withClient(async (client) => {
      const objects = await client.send(new ListObjectsV2Command({ Bucket }))
      const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket }))
      return { objects: objects.KeyCount ?? 0, uploads: uploads.Uploads?.length ?? 0 }
    })
  }

  async close(): Promise<void> {
    await this.#context.close()
    await this.dev.kill('SIGTERM')
    await this.gate.stop()
    await rm(this.folder, { recursive: true })
  }

  async #withClient<T>(work: (client: S3Client) => Promise<T>): Promise<T> {
    const text = await readFile(join(this.folder, 'state', 'dev-secrets.json'), 'utf8')
    const { accessKeyId, secretAccessKey } = JSON.parse(text)
    const client = new S3Client({
      endpoint: `http://127.0.0.1:${this.dev.bucketPort}`,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    })
    try {
      return await work(client)
    } finally {
      client.destroy()
    }
  }
}
