import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { writeRandomFile } from '../e2e/files.js'
import { startTestLocalBucket } from '../helpers/local-bucket.js'
import { until } from '../helpers/programs.js'
import { minioUrl } from '../helpers/services.js'
import { canDriveBrowser, launchBrowser } from './support/browser.js'
import { MIB, Stage, type StagedPage, sha256Of, someFile } from './support/stage.js'

describe.skipIf(!canDriveBrowser()).each([
  { on: 'MinIO', start: async () => ({ serviceUrl: minioUrl(), remove: async () => {} }) },
  { on: 'the embedded bucket', start: () => startTestLocalBucket() },
])('an upload from a page to $on', ({ start }) => {
  let bucket: Awaited<ReturnType<typeof start>>
  let browser: Browser
  let stage: Stage
  let tab: StagedPage

  beforeAll(async () => {
    bucket = await start()
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser.close()
    await bucket.remove()
  })
  beforeEach(async () => {
    stage = await Stage.open(browser, { bucketUrl: bucket.serviceUrl })
    tab = await stage.openPage()
  })
  afterEach(() => stage.close())

  const file = (parts = 8) => someFile(parts * 8 * MIB)

  async function expectWhole(chosen: ReturnType<typeof file>, on = tab): Promise<void> {
    const end = await on.end()
    expect(end).toMatchObject({ kind: 'completed', size: chosen.size })
    if (end.kind === 'completed') expect(await stage.sha256At(end.key)).toBe(sha256Of(chosen))
  }

  it('brings 200 MiB to the bucket, every byte once', async () => {
    const chosen = file(25)
    await tab.begin(chosen)
    await expectWhole(chosen)
    const parts = Array.from({ length: 25 }, (_, i) => i + 1)
    expect([...stage.gate.stored].sort((a, b) => a - b)).toEqual(parts)
    const acknowledged = await tab.page.evaluate(() => window.stage.acknowledged)
    expect(acknowledged).toEqual([...acknowledged].sort((a, b) => a - b))
    expect(acknowledged.at(-1)).toBe(chosen.size)
    expect(await tab.states()).toEqual(['preparing', 'uploading', 'completing', 'completed'])
  })

  it('is not lost to garbage collection while it reads', async () => {
    const session = await stage.context.newCDPSession(tab.page)
    const chosen = file(12)
    await tab.begin(chosen)
    const done = tab.end()
    let isDone = false
    done.then(() => {
      isDone = true
    })
    while (!isDone) await session.send('HeapProfiler.collectGarbage')
    await expectWhole(chosen)
  })

  it('reads and hashes on a thread of its own, once that runs', async () => {
    const chosen = file(25)
    await tab.page.evaluate(() => {
      const { subtle } = crypto
      const { digest } = subtle
      subtle.digest = (algorithm, data) => {
        if (data.byteLength > 2 ** 20) document.title += ' hashed'
        return digest.call(subtle, algorithm, data)
      }
    })
    await tab.begin(chosen)
    await expectWhole(chosen)
    const hashedHere = (await tab.page.title()).split(' hashed').length - 1
    expect(hashedHere).toBeLessThan(25)
  })

  it.each(['sha256', 'md5'] as const)(
    'hashes by itself where its worker cannot be loaded, with checksum %s',
    async (checksum) => {
      const chosen = file(6)
      let refused = 0
      await tab.page.route('**/hash-worker.js', (route) => {
        refused++
        return route.abort()
      })
      await tab.begin(chosen, { checksum })
      await expectWhole(chosen)
      expect(refused).toBe(1)
    },
  )

  it('hashes by itself where a worker is forbidden', async () => {
    const chosen = file(3)
    await tab.page.evaluate(() => {
      window.Worker = class {
        constructor() {
          throw new DOMException('forbidden', 'SecurityError')
        }
      } as unknown as typeof Worker
    })
    await tab.begin(chosen, { checksum: 'md5' })
    await expectWhole(chosen)
  })

  it.each(['sha256', 'md5', 'crc64nvme'] as const)(
    'hashes by a worker with checksum %s',
    async (checksum) => {
      const chosen = file(2)
      const workers: string[] = []
      tab.page.on('worker', (worker) => workers.push(worker.url()))
      await tab.begin(chosen, { checksum })
      await expectWhole(chosen)
      expect(workers).toEqual([`${stage.pages.origin}/client/hash-worker.js`])
    },
  )

  it('sends nothing while it is paused, and only the rest when it goes on', async () => {
    const chosen = file(5)
    stage.gate.limit(2)
    await tab.begin(chosen)
    await until(() => stage.gate.stored.length === 2, 'two parts to be stored')
    await tab.pause()
    expect(await tab.state()).toBe('paused')
    await stage.gate.reopen()
    const asked = stage.gate.asked.length
    await tab.page.waitForTimeout(500)
    expect(stage.gate.asked).toHaveLength(asked)
    await tab.resume()
    await expectWhole(chosen)
    expect(stage.gate.stored).toHaveLength(5)
    expect(new Set(stage.gate.stored).size).toBe(5)
  })

  it('goes on after a reload with what has not arrived', async () => {
    const chosen = file(5)
    stage.gate.limit(2)
    await tab.begin(chosen)
    await until(() => stage.gate.stored.length === 2, 'two parts to be stored')
    await tab.page.waitForFunction(() => (window.stage.acknowledged.at(-1) ?? 0) >= 2 * 8 * 2 ** 20)
    await tab.reload()
    await stage.gate.reopen()
    const remembered = await tab.page.evaluate(() => window.stage.partway.listResumable())
    expect(remembered).toMatchObject([
      { filename: chosen.name, size: chosen.size, acknowledgedBytes: 2 * 8 * MIB },
    ])
    await tab.begin(chosen)
    await expectWhole(chosen)
    expect(stage.gate.stored).toHaveLength(5)
    expect(new Set(stage.gate.stored).size).toBe(5)
    const resumed = await tab.page.evaluate(() => window.stage.resumed)
    expect(resumed).toMatchObject([{ skippedParts: 2, skippedBytes: 2 * 8 * MIB }])
    expect(await tab.page.evaluate(() => window.stage.partway.listResumable())).toEqual([])
  })

  it('refuses to mix two files that only look the same', async () => {
    const chosen = file(5)
    stage.gate.limit(2)
    await tab.begin(chosen)
    await until(() => stage.gate.stored.length === 2, 'two parts to be stored')
    await tab.page.waitForFunction(() => (window.stage.acknowledged.at(-1) ?? 0) >= 2 * 8 * 2 ** 20)
    await tab.reload()
    await stage.gate.reopen()
    const changed = { ...chosen, seed: chosen.seed + 1 }
    await tab.begin(changed)
    expect(await tab.end()).toMatchObject({ kind: 'failed', code: 'FILE_CHANGED' })
    // Told once; who starts again means the file as it is now.
    await tab.begin(changed)
    await expectWhole(changed)
  })

  it('waits while it is offline and goes on when it is not', async () => {
    const chosen = file(9)
    stage.gate.limit(2)
    await tab.begin(chosen)
    await until(() => stage.gate.stored.length === 2, 'two parts to be stored')
    await stage.context.setOffline(true)
    // Only what is begun from now on fails: of the six that were under way, the last can begin when one has arrived.
    stage.gate.limit(1)
    await tab.waitForState('offline')
    stage.gate.limit(Number.POSITIVE_INFINITY)
    await tab.page.waitForTimeout(1_000)
    expect(await tab.state()).toBe('offline')
    await stage.context.setOffline(false)
    await expectWhole(chosen)
  })

  it('sits out a bucket that answers 503 for a while', async () => {
    const chosen = file(4)
    stage.gate.refuse = (_, attempt) => (attempt <= 2 ? 503 : undefined)
    await tab.begin(chosen)
    await expectWhole(chosen)
    expect(stage.gate.statuses.filter((status) => status === 503)).toHaveLength(8)
  })

  it('leaves nothing in the bucket when it is cancelled', async () => {
    stage.gate.limit(2)
    const chosen = file(4)
    await tab.begin(chosen)
    await until(() => stage.gate.stored.length === 2, 'two parts to be stored')
    const key = `${await tab.uploadId()}/${chosen.name}`
    expect(await stage.leftovers(key)).toEqual({ objects: 0, uploads: 1 })
    await tab.cancel()
    expect(await tab.state()).toBe('cancelled')
    expect(await tab.end()).toMatchObject({ kind: 'failed', code: 'CANCELLED' })
    await stage.gate.reopen()
    expect(await stage.leftovers(key)).toEqual({ objects: 0, uploads: 0 })
    expect(await tab.page.evaluate(() => window.stage.partway.listResumable())).toEqual([])
  })

  it('completes nothing of a file that is changed on disk meanwhile', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'partway-chosen-'))
    const path = join(folder, 'film.bin')
    await writeRandomFile(path, 40)
    stage.gate.limit(2)
    await tab.beginChosen(path, { concurrency: 2 })
    await until(() => stage.gate.stored.length === 2, 'two parts to be stored')
    await writeRandomFile(path, 40)
    stage.gate.limit(Number.POSITIVE_INFINITY)
    expect(await tab.end()).toMatchObject({ kind: 'failed', code: 'FILE_CHANGED' })
    expect(await stage.leftovers('')).toMatchObject({ objects: 0 })
    await rm(folder, { recursive: true })
  })

  it('says what is wrong when the bucket does not expose ETag', async () => {
    stage.gate.exposesEtag = false
    await tab.begin(file(2))
    const end = await tab.end()
    expect(end).toMatchObject({ kind: 'failed', code: 'ETAG_NOT_EXPOSED' })
    expect(end.kind === 'failed' && end.message).toContain('must expose the header ETag')
  })

  it('waits while another tab sends the same file, and then has nothing to send', async () => {
    const chosen = file(4)
    stage.gate.limit(1)
    await tab.begin(chosen)
    await until(() => stage.gate.stored.length === 1, 'a part to be stored')
    const other = await stage.openPage()
    await other.begin(chosen)
    await other.waitForState('locked')
    stage.gate.limit(Number.POSITIVE_INFINITY)
    await expectWhole(chosen)
    await expectWhole(chosen, other)
    expect(stage.gate.stored).toHaveLength(4)
  })

  it('takes over from a tab that was closed', async () => {
    const chosen = file(4)
    stage.gate.limit(1)
    await tab.begin(chosen)
    await until(() => stage.gate.stored.length === 1, 'a part to be stored')
    const other = await stage.openPage()
    await other.begin(chosen)
    await other.waitForState('locked')
    await tab.page.close()
    stage.gate.limit(Number.POSITIVE_INFINITY)
    await expectWhole(chosen, other)
  })
})

describe.skipIf(!canDriveBrowser())('URLs that are good for five seconds', () => {
  it('are replaced when they expire on the way', async () => {
    const browser = await launchBrowser()
    const stage = await Stage.open(browser, { env: { PARTWAY_URL_TTL: '5s' } })
    try {
      const tab = await stage.openPage()
      const chosen = someFile(2 * 8 * MIB)
      stage.gate.delayMs = (attempt) => (attempt === 1 ? 6_500 : 0)
      await tab.begin(chosen)
      const end = await tab.end()
      expect(end).toMatchObject({ kind: 'completed' })
      if (end.kind === 'completed') expect(await stage.sha256At(end.key)).toBe(sha256Of(chosen))
      expect(stage.gate.statuses).toContain(403)
    } finally {
      await stage.close()
      await browser.close()
    }
  })
})
