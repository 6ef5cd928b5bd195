import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { sha256OfFile } from '../e2e/files.js'
import { launchBrowser } from './support/browser.js'
import { PageStage } from './support/page-stage.js'

const ALL = Number.POSITIVE_INFINITY

// Where `CI` is set, the set-up has failed before this could hide anything. The bucket is the embedded one.
describe.skipIf(inject('chromiumProgram') === '')('the page of partway dev', () => {
  let browser: Browser
  let stage: PageStage

  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())
  beforeEach(async () => {
    stage = await PageStage.open(browser)
  })
  afterEach(() => stage.close())

  const inOrder = () => [...stage.gate.stored].sort((a, b) => a - b)

  it('uploads a file that is chosen, and shows its key and checksum', async () => {
    const path = await stage.file('film.bin', 20)
    await stage.choose(path)
    await stage.isNow('film.bin', 'Done')
    expect(await stage.sha256At(await stage.keyOf('film.bin'))).toBe(await sha256OfFile(path))
    expect(await stage.row('film.bin').textContent()).toMatch(
      /SHA-256 of 3 parts[A-Za-z0-9+/]{43}=-3/,
    )
    await expect.poll(() => stage.page.locator('#announcer').textContent()).toContain('done.')
    expect(stage.complaints).toEqual([])
  })

  it('uploads two files at once, and takes the third when there is room', async () => {
    const [one, two, three] = [
      await stage.file('one.bin', 24),
      await stage.file('two.bin', 24),
      await stage.file('three.bin', 1),
    ]
    stage.gate.limit(0)
    await stage.choose(one, two, three)
    await stage.isNow('one.bin', 'Uploading')
    await stage.isNow('two.bin', 'Uploading')
    await stage.isNow('three.bin', 'Queued')
    await expect.poll(() => stage.gate.waiting).toBeGreaterThan(3)
    await stage.press('one.bin', 'Pause')
    await stage.isNow('three.bin', 'Uploading')
    await stage.press('one.bin', 'Resume')
    stage.gate.limit(ALL)
    for (const path of [one, two, three]) {
      const name = path.slice(stage.folder.length + 1)
      await stage.isNow(name, 'Done')
      expect(await stage.sha256At(await stage.keyOf(name))).toBe(await sha256OfFile(path))
    }
    expect(await stage.page.locator('#summary').textContent()).toBe('3 of 3 done')
    expect(stage.complaints).toEqual([])
  })

  it('takes files that are dropped on it', async () => {
    const dropped = await stage.page.evaluateHandle(() => {
      const transfer = new DataTransfer()
      transfer.items.add(new File(['some text'], 'dropped.txt'))
      return transfer
    })
    await stage.page.dispatchEvent('body', 'drop', { dataTransfer: dropped })
    await stage.isNow('dropped.txt', 'Done')
    expect(stage.complaints).toEqual([])
  })

  it('can be used with the keyboard alone', async () => {
    const path = await stage.file('film.bin', 32)
    const { page } = stage
    const { keyboard } = page
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))
    stage.gate.limit(1)
    await keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('files')
    const chooser = page.waitForEvent('filechooser')
    await keyboard.press('Enter')
    await (await chooser).setFiles(path)
    await stage.shows('film.bin', '8.0 MiB of 32.0 MiB')
    await keyboard.press('Tab')
    expect(await focused()).toBe('Pause: film.bin')
    await keyboard.press('Enter')
    await stage.isNow('film.bin', 'Paused')
    expect(await focused()).toBe('Resume: film.bin')
    await stage.gate.reopen()
    await keyboard.press('Space')
    await stage.isNow('film.bin', 'Done')
    const isInRow = await page.evaluate(() => document.activeElement?.closest('.row') !== null)
    expect(isInRow).toBe(true)
    await page.getByRole('button', { name: 'Remove from list: film.bin' }).focus()
    await keyboard.press('Enter')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('files')
    expect(inOrder()).toEqual([1, 2, 3, 4])
    expect(stage.complaints).toEqual([])
  })

  it('goes on after a reload without sending again what has arrived', async () => {
    const path = await stage.file('film.bin', 40)
    stage.gate.limit(2)
    await stage.choose(path)
    await stage.shows('film.bin', '16.0 MiB of 40.0 MiB')
    await stage.page.reload()
    const unfinished = stage.row('film.bin', 'unfinished')
    await unfinished.getByText('16.0 MiB of 40.0 MiB (40 %) arrived').waitFor()
    await stage.gate.reopen()
    const chooser = stage.page.waitForEvent('filechooser')
    await stage.press('film.bin', 'Choose the file', 'unfinished')
    await (await chooser).setFiles(path)
    await stage.isNow('film.bin', 'Done')
    expect(await unfinished.count()).toBe(0)
    expect(inOrder()).toEqual([1, 2, 3, 4, 5])
    expect(await stage.sha256At(await stage.keyOf('film.bin'))).toBe(await sha256OfFile(path))
    expect(stage.complaints).toEqual([])
  })

  it('does not call unfinished what turned out to be there already', async () => {
    const path = await stage.file('film.bin', 1)
    await stage.choose(path)
    await stage.isNow('film.bin', 'Done')
    await stage.press('film.bin', 'Remove from list')
    await stage.choose(path)
    await stage.isNow('film.bin', 'Done')
    await stage.page.reload()
    await stage.page.waitForLoadState('networkidle')
    expect(await stage.page.locator('#unfinished').isVisible()).toBe(false)
    expect(inOrder()).toEqual([1])
  })

  it('does not take another file for the one that was begun', async () => {
    const path = await stage.file('film.bin', 24)
    const other = await stage.file('other.bin', 24)
    stage.gate.limit(1)
    await stage.choose(path)
    await stage.shows('film.bin', '8.0 MiB of 24.0 MiB')
    await stage.page.reload()
    const chooser = stage.page.waitForEvent('filechooser')
    await stage.press('film.bin', 'Choose the file', 'unfinished')
    await (await chooser).setFiles(other)
    await stage.row('film.bin', 'unfinished').getByText('It is called other.bin.').waitFor()
    expect(await stage.page.locator('#upload-list .row').count()).toBe(0)
  })

  it('leaves nothing of an upload that is cancelled', async () => {
    const path = await stage.file('film.bin', 40)
    stage.gate.limit(2)
    await stage.choose(path)
    await stage.shows('film.bin', '16.0 MiB of 40.0 MiB')
    expect(await stage.leftovers()).toEqual({ objects: 0, uploads: 1 })
    await stage.press('film.bin', 'Cancel')
    await stage.row('film.bin').waitFor({ state: 'detached' })
    expect(await stage.leftovers()).toEqual({ objects: 0, uploads: 0 })
    await stage.page.reload()
    await stage.page.waitForLoadState('networkidle')
    expect(await stage.page.locator('#unfinished').isVisible()).toBe(false)
    expect(stage.complaints).toEqual([])
  })

  it('leaves nothing of an unfinished upload that is discarded', async () => {
    const path = await stage.file('film.bin', 24)
    stage.gate.limit(1)
    await stage.choose(path)
    await stage.shows('film.bin', '8.0 MiB of 24.0 MiB')
    await stage.page.reload()
    await stage.press('film.bin', 'Discard', 'unfinished')
    await stage.row('film.bin', 'unfinished').waitFor({ state: 'detached' })
    expect(await stage.leftovers()).toEqual({ objects: 0, uploads: 0 })
    expect(stage.complaints).toEqual([])
  })

  it('says that the server is away, and goes on when it is back', async () => {
    const path = await stage.file('film.bin', 12)
    await stage.dev.kill('SIGKILL')
    await stage.choose(path)
    await stage.shows('film.bin', 'Trying again')
    await stage.shows('film.bin', 'The server does not answer')
    await stage.isNow('film.bin', 'Failed')
    await stage.restart()
    await stage.press('film.bin', 'Try again')
    await stage.isNow('film.bin', 'Done')
    expect(inOrder()).toEqual([1, 2])
    // The browser itself writes of each connection that is refused, and of one that was open when the server died.
    expect(
      stage.complaints.filter((text) => !/ERR_(CONNECTION_|EMPTY_RESPONSE)/.test(text)),
    ).toEqual([])
  }, 120_000)

  it('says of an empty file that there is nothing to upload', async () => {
    await writeFile(join(stage.folder, 'empty.txt'), '')
    await stage.choose(join(stage.folder, 'empty.txt'))
    await stage.shows('empty.txt', 'There is nothing to upload.')
    await stage.press('empty.txt', 'Remove from list')
    await stage.row('empty.txt').waitFor({ state: 'detached' })
    expect(stage.complaints).toEqual([])
  })

  it('runs nothing that is not its own', async () => {
    const hasRun = await stage.page.evaluate(() => {
      const script = document.createElement('script')
      script.textContent = 'window.name = "run"'
      document.body.append(script)
      return window.name === 'run'
    })
    expect(hasRun).toBe(false)
    await expect.poll(() => stage.complaints.join()).toContain('policy: script-src-elem inline')
  })

  it('fits a screen of 320 pixels', async () => {
    await stage.page.setViewportSize({ width: 320, height: 568 })
    await stage.choose(await stage.file(`${'a-long-name-'.repeat(8)}.bin`, 1))
    await stage.isNow('a-long-name', 'Done')
    const width = await stage.page.evaluate(() => document.documentElement.scrollWidth)
    expect(width).toBe(320)
  })
})
