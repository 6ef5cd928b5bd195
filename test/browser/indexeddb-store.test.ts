import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ResumeStore } from '../../src/client/ports.js'
import { resumeStoreContract } from '../client/resume-store.contract.js'
import { canDriveBrowser, launchBrowser } from './support/browser.js'
import { type PageServer, servePage } from './support/page-server.js'

let browser: Browser
let pages: PageServer
let page: Page

beforeAll(async () => {
  if (!canDriveBrowser()) return
  browser = await launchBrowser()
  pages = await servePage()
  page = await openPage()
})
afterAll(async () => {
  await browser?.close()
  await pages?.stop()
})

async function openPage(): Promise<Page> {
  const opened = await browser.newPage()
  await opened.goto(pages.origin)
  await opened.waitForFunction(() => document.title === 'ready')
  return opened
}

/** The store in the page, as if it were here. */
const inPage = (): ResumeStore => ({
  find: (id) => page.evaluate((one) => window.stage.store.find(one), id),
  list: () => page.evaluate(() => window.stage.store.list()),
  save: (upload) => page.evaluate((one) => window.stage.store.save(one), upload),
  addPart: (id, index, checksum) =>
    page.evaluate(([a, b, c]) => window.stage.store.addPart(a, b, c), [
      id,
      index,
      checksum,
    ] as const),
  parts: async (id) => {
    const entries = await page.evaluate(
      async (one) => [...(await window.stage.store.parts(one))],
      id,
    )
    return new Map(entries)
  },
  forget: (id) => page.evaluate((one) => window.stage.store.forget(one), id),
})

resumeStoreContract('IndexedDB in Chromium', { open: inPage, skip: !canDriveBrowser() })

describe.skipIf(!canDriveBrowser())('a page without IndexedDB', () => {
  it('is told nothing of earlier uploads, and of no fault either', async () => {
    const context = await browser.newContext()
    await context.addInitScript(() => {
      Object.defineProperty(window, 'indexedDB', { value: undefined })
    })
    const other = await context.newPage()
    await other.goto(pages.origin)
    await other.waitForFunction(() => document.title === 'ready')
    expect(await other.evaluate(() => window.stage.partway.listResumable())).toEqual([])
    expect(await other.evaluate(() => window.stage.partway.forget('x'))).toBeUndefined()
    await context.close()
  })
})
