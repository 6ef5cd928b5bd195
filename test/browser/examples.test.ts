import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import express from 'express'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connectS3, type S3Connection } from '../../src/bucket/index.js'
import { createPartway } from '../../src/coordinator/create-partway.js'
import type { Partway } from '../../src/coordinator/partway.js'
import { createRouter } from '../../src/http/index.js'
import { openSqliteSessionStore } from '../../src/sessions/sqlite/index.js'
import { sha256OfFile, sha256OfObject, writeRandomFile } from '../e2e/files.js'
import type { ExampleCopy } from '../examples/example-copy.js'
import { type ExpressApp, startExpressApp } from '../examples/express-app-process.js'
import { bundleReactExample, copyReactExample } from '../examples/react-vite-bundle.js'
import { startTestLocalBucket, type TestLocalBucket } from '../helpers/local-bucket.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { canDriveBrowser, launchBrowser } from './support/browser.js'
import { PATIENCE_MS } from './support/launch-chromium.js'

type Chosen = Parameters<Page['setInputFiles']>[1]

describe.skipIf(!canDriveBrowser())('The examples in a browser', () => {
  let browser: Browser
  let local: TestLocalBucket
  let context: BrowserContext
  let page: Page
  let file: string
  /** Parts that may still reach the bucket; the others wait for ever. */
  let partsLeft: number

  beforeAll(async () => {
    browser = await launchBrowser()
    local = await startTestLocalBucket()
    file = join(local.folder, 'holiday.mp4')
    await writeRandomFile(file, 40)
  })
  beforeEach(async () => {
    await context?.close()
    context = await browser.newContext()
    context.setDefaultTimeout(PATIENCE_MS)
    partsLeft = Number.POSITIVE_INFINITY
    await context.route(`${local.url}/**`, async (route) => {
      if (route.request().method() !== 'PUT' || partsLeft-- > 0) await route.continue()
    })
    page = await context.newPage()
  })
  afterAll(async () => {
    await browser.close()
    await local.remove()
  })

  const shows = (text: string) => page.getByText(text).first().waitFor()

  describe('express-app', () => {
    let app: ExpressApp

    beforeAll(async () => {
      app = await startExpressApp(local.serviceUrl)
    })
    afterAll(() => app.remove())

    async function logIn(user: string, password: string): Promise<void> {
      await page.getByLabel('User').fill(user)
      await page.getByLabel('Password').fill(password)
      await page.getByRole('button', { name: 'Log in' }).click()
    }

    it('goes on with an upload after a reload, and lists it to its user alone', async () => {
      await page.goto(app.url)
      await logIn('ada', 'hopper')
      await shows('That is not the password of a user.')
      await logIn('ada', 'lovelace')
      await shows('Logged in as')

      partsLeft = 2
      await page.getByLabel('A file to upload').setInputFiles(file)
      await page.waitForFunction(() => document.querySelector('progress')?.value === 16 / 40)
      await page.reload()
      await shows('holiday.mp4 is not finished')
      partsLeft = 3
      await page.getByLabel('A file to upload').setInputFiles(file)
      await page.getByRole('cell', { name: 'completed' }).waitFor()

      await page.getByRole('button', { name: 'Log out' }).click()
      await logIn('grace', 'hopper')
      await shows('Logged in as grace')
      expect(await page.getByRole('row').count()).toBe(1)
    })
  })

  describe('react-vite', () => {
    let site: ReactSite

    beforeAll(async () => {
      site = await openReactSite(local.serviceUrl)
    })
    afterAll(() => site.close())

    const choose = (chosen: Chosen = file) =>
      page.getByLabel('Drop a file here').setInputFiles(chosen)
    const click = (name: string) => page.getByRole('button', { name }).click()

    it('pauses, goes on, also after a reload, and shows the key of the object', async () => {
      await page.goto(site.url)
      partsLeft = 2
      await choose()
      await shows('16.0 MiB of 40.0 MiB')
      await click('Pause')
      await shows('Paused')
      await click('Resume')
      await page.getByRole('status').filter({ hasText: 'Uploading' }).waitFor()
      await page.reload()

      await shows('16.0 MiB of 40.0 MiB are there')
      partsLeft = 3
      await choose()
      await shows('Completed')
      const key = await page.locator('code').innerText()
      const { client, bucket } = site.bucket
      expect(await sha256OfObject(client, { bucket, key })).toBe(await sha256OfFile(file))
    })

    it('takes a file that is dropped, and shows what is wrong with it', async () => {
      await page.goto(site.url)
      const dataTransfer = await page.evaluateHandle(() => {
        const transfer = new DataTransfer()
        transfer.items.add(new File([], 'nothing.txt'))
        return transfer
      })
      await page.locator('.zone').dispatchEvent('drop', { dataTransfer })
      await shows('nothing.txt is empty: there are no bytes to upload')
    })

    it('cancels', async () => {
      await page.goto(site.url)
      partsLeft = 0
      await choose({ name: 'mistake.bin', mimeType: '', buffer: Buffer.alloc(1024, 1) })
      await page.getByRole('status').filter({ hasText: 'Uploading' }).waitFor()
      await click('Cancel')
      await shows('Cancelled')
      const { uploads } = await site.partway.list({ owner: 'anonymous' }, {})
      expect(uploads[0]).toMatchObject({ filename: 'mistake.bin', state: 'aborted' })
    })
  })
})

interface ReactSite {
  readonly url: string
  readonly partway: Partway
  readonly bucket: TestBucket
  close(): Promise<void>
}

/** The React example and a coordinator at one origin, as Vite's proxy makes it. */
async function openReactSite(serviceUrl: string): Promise<ReactSite> {
  const example = await copyReactExample()
  const bucket = await createTestBucket(serviceUrl)
  const s3 = connectS3(bucket)
  const partway = coordinatorOn(s3)
  const app = (await siteOf(example)).use(createRouter({ partway, allowAnonymous: true }))
  const server: Server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    await new Promise((resolve) => {
      server.close(resolve)
      server.closeAllConnections()
    })
    await partway.close()
    s3.close()
    await bucket.remove()
    await example.remove()
  }
  return { url: `http://127.0.0.1:${port}`, partway, bucket, close }
}

function coordinatorOn({ bucket, signer }: S3Connection): Partway {
  const secret = 'the secret of a browser test, long enough'
  return createPartway({ store: openSqliteSessionStore(':memory:'), bucket, signer, secret })
}

async function siteOf(example: ExampleCopy): Promise<express.Express> {
  const { outputFiles } = await bundleReactExample(example)
  const html = await readFile(join(example.folder, 'index.html'), 'utf8')
  return express()
    .get('/', (_req, res) => res.send(html))
    .get('/src/main.tsx', (_req, res) => res.type('js').send(outputFiles[0]?.text))
    .use('/src', express.static(join(example.folder, 'src')))
}
