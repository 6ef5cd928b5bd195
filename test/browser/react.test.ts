import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../helpers/programs.js'
import { canDriveBrowser, launchBrowser } from './support/browser.js'
import { MIB, Stage, sha256Of, someFile } from './support/stage.js'

describe.skipIf(!canDriveBrowser())('useUpload, in strict mode', () => {
  let browser: Browser
  let stage: Stage
  let page: Page

  beforeAll(async () => {
    browser = await launchBrowser()
    stage = await Stage.open(browser)
    page = await stage.context.newPage()
    await page.goto(`${stage.pages.origin}/react`)
    await page.waitForFunction(() => document.title === 'ready')
    await mount()
  })
  afterAll(async () => {
    await stage.close()
    await browser.close()
  })

  const mount = () =>
    page.evaluate((endpoint) => window.reactStage.mount({ endpoint }), stage.server.url)
  const start = (file: ReturnType<typeof someFile>) =>
    page.evaluate((chosen) => {
      window.reactStage.controls?.start(window.reactStage.file(chosen))
    }, file)
  const shows = (text: string) =>
    page.waitForFunction((part) => document.querySelector('p')?.textContent?.includes(part), text)

  it('shows an upload from its start to its result', async () => {
    await shows('idle 0 of 0')
    const file = someFile(3 * 8 * MIB)
    await start(file)
    await shows(`completed ${file.size} of ${file.size}`)
    const result = await page.evaluate(() => window.reactStage.controls?.result)
    expect(await stage.sha256At(result?.object.key ?? '')).toBe(sha256Of(file))
  })

  it('pauses, goes on and cancels', async () => {
    stage.gate.stored.length = 0
    stage.gate.limit(1)
    await start(someFile(4 * 8 * MIB))
    await until(() => stage.gate.stored.length === 1, 'a part to be stored')
    await page.evaluate(() => window.reactStage.controls?.pause())
    await shows('paused')
    await page.evaluate(() => window.reactStage.controls?.resume())
    await shows('uploading')
    await page.evaluate(() => window.reactStage.controls?.cancel())
    await shows('cancelled')
    expect(await page.evaluate(() => window.reactStage.controls?.error)).toBeUndefined()
    await stage.gate.reopen()
  })

  it('sends nothing any more once the component is gone', async () => {
    stage.gate.stored.length = 0
    stage.gate.limit(1)
    await start(someFile(4 * 8 * MIB))
    await until(() => stage.gate.stored.length === 1, 'a part to be stored')
    const before = await page.evaluate(() => {
      window.reactStage.unmount()
      return window.reactStage.renderings
    })
    await stage.gate.reopen()
    await page.waitForTimeout(3_000)
    expect(stage.gate.stored).toHaveLength(1)
    expect(await page.evaluate(() => window.reactStage.renderings)).toBe(before)
  })
})
