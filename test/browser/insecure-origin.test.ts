import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256OfFile } from '../e2e/files.js'
import { until } from '../helpers/programs.js'
import { canDriveBrowser, launchBrowser } from './support/browser.js'
import { PageStage } from './support/page-stage.js'
import { watchPage } from './support/page-watch.js'
import { MIB, Stage, sha256Of, someFile } from './support/stage.js'

/** Neither HTTPS nor localhost, so its pages have no WebCrypto and no Web Locks. */
const host = 'insecure.test'
const IGNORED_HERE = /Cross-Origin-Opener-Policy header has been ignored/

describe.skipIf(!canDriveBrowser())('at an origin that is not secure', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await launchBrowser([`--host-resolver-rules=MAP ${host} 127.0.0.1`])
  })
  afterAll(() => browser.close())

  const lacks = () => ({
    isSecure: isSecureContext,
    hasCrypto: 'subtle' in crypto,
    hasLocks: 'locks' in navigator,
  })

  it('an upload goes on after a reload, hashed by a worker', async () => {
    const stage = await Stage.open(browser, { host })
    try {
      const tab = await stage.openPage()
      expect(await tab.page.evaluate(lacks)).toEqual({
        ...{ isSecure: false, hasCrypto: false, hasLocks: false },
      })
      const origins = [stage.pages.origin, stage.server.url, stage.gate.url]
      const complaints = await watchPage(tab.page, origins)
      const workers: string[] = []
      tab.page.on('worker', (worker) => workers.push(worker.url()))
      const chosen = someFile(5 * 8 * MIB)
      stage.gate.limit(2)
      await tab.begin(chosen)
      await until(() => stage.gate.stored.length === 2, 'two parts to be stored')
      await tab.page.waitForFunction(
        () => (window.stage.acknowledged.at(-1) ?? 0) >= 2 * 8 * 2 ** 20,
      )
      await tab.reload()
      await stage.gate.reopen()
      await tab.begin(chosen)
      const end = await tab.end()
      expect(end).toMatchObject({ kind: 'completed', size: chosen.size })
      if (end.kind === 'completed') expect(await stage.sha256At(end.key)).toBe(sha256Of(chosen))
      expect([...stage.gate.stored].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5])
      expect(workers).toContain(`${stage.pages.origin}/client/hash-worker.js`)
      expect(complaints).toEqual([])
    } finally {
      await stage.close()
    }
  })

  it('the page uploads, and goes on after a reload', async () => {
    const stage = await PageStage.open(browser, { host })
    try {
      expect(await stage.page.evaluate(lacks)).toMatchObject({ isSecure: false })
      const path = await stage.file('film.bin', 40)
      stage.gate.limit(2)
      await stage.choose(path)
      await stage.shows('film.bin', '16.0 MiB of 40.0 MiB')
      await stage.page.reload()
      await stage.row('film.bin', 'unfinished').getByText('(40 %) arrived').waitFor()
      await stage.gate.reopen()
      const chooser = stage.page.waitForEvent('filechooser')
      await stage.press('film.bin', 'Choose the file', 'unfinished')
      await (await chooser).setFiles(path)
      await stage.isNow('film.bin', 'Done')
      expect([...stage.gate.stored].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5])
      expect(await stage.sha256At(await stage.keyOf('film.bin'))).toBe(await sha256OfFile(path))
      // What the server asks for where the origin is secure, Chromium says that it ignores here.
      const others = stage.complaints.filter((text) => !IGNORED_HERE.test(text))
      expect(others).toEqual([])
    } finally {
      await stage.close()
    }
  })
})
