// Takes the screenshots of docs/page.md anew: `npm run build && npx tsx infra/page/screenshots.ts`.
import { randomBytes } from 'node:crypto'
import { mkdtemp, open, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { BucketGate } from '../../test/browser/support/bucket-gate.js'
import { DevProcess } from '../../test/helpers/dev-process.js'
import { findChromium } from '../services/chromium.js'

const MIB = 1024 * 1024
const OUT = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url))
const WIDE = { width: 800, height: 600 }
const NARROW = { width: 360, height: 640 }

const folder = await mkdtemp(join(tmpdir(), 'partway-screenshots-'))
const ports = { port: 8000, bucketPort: 8001 }
const gate = new BucketGate(`http://127.0.0.1:${ports.bucketPort}`)
const env = { PARTWAY_S3_PUBLIC_ENDPOINT: await gate.start() }
// As a line of some MiB a second would.
gate.delayMs = () => 900
let dev = await DevProcess.start(join(folder, 'state'), ports, env)
const found = await findChromium({ env: process.env, isRoot: false, log: console.error })
if (found.kind === 'missing') throw new Error(found.advice)
const browser = await chromium.launch({ executablePath: found.program, args: ['--no-sandbox'] })

/** A file of random bytes, always of the same date, so that the pictures differ only where the page does. */
async function fileOf(name: string, mib: number): Promise<string> {
  const path = join(folder, name)
  const file = await open(path, 'w')
  for (let at = 0; at < mib; at++) await file.write(randomBytes(MIB))
  await file.close()
  await utimes(path, 1_790_000_000, 1_790_000_000)
  return path
}

async function inPage(
  options: BrowserContextOptions,
  work: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ viewport: WIDE, ...options })
  const page = await context.newPage()
  await page.goto(dev.url)
  await work(page)
  await context.close()
}

/** The page shows numbers anew only a few times a second, and its bars take their time. */
async function shoot(page: Page, name: string): Promise<void> {
  await page.waitForTimeout(800)
  const path = join(OUT, `${name}.png`)
  await page.screenshot({ path, fullPage: true, animations: 'disabled' })
}

const choose = (page: Page, ...files: string[]) => page.locator('#files').setInputFiles(files)
/** Waits until just the parts that the gate has let through are counted. */
const showing = (page: Page, text: string) =>
  page.locator('.row').getByText(text).first().waitFor({ timeout: 60_000 })

try {
  const film = await fileOf('Holiday in Brittany.mov', 96)
  const talk = await fileOf('conference-talk-recording.mkv', 64)
  const photos = await fileOf('photos-2026.zip', 24)
  const walk = await fileOf('a-walk-along-the-coast.mp4', 96)
  const backup = await fileOf('backup-november.tar', 64)
  const small = await fileOf('notes.pdf', 3)

  await inPage({}, async (page) => {
    await shoot(page, 'empty')
  })

  await inPage({}, async (page) => {
    await choose(page, small)
    await showing(page, 'Done')
    gate.limit(7)
    await choose(page, film, talk, photos)
    await page.waitForFunction(() => document.title.startsWith('31 %'), { polling: 100 })
    await shoot(page, 'uploading')
  })
  gate.limit(Number.POSITIVE_INFINITY)

  await inPage({ viewport: NARROW, colorScheme: 'dark' }, async (page) => {
    await choose(page, small)
    await showing(page, 'Done')
    gate.limit(5)
    await choose(page, walk)
    await showing(page, '40.0 MiB of')
    await page.waitForTimeout(1_000)
    await page.getByRole('button', { name: 'Pause' }).click()
    await showing(page, 'Paused')
    await shoot(page, 'paused')
    await page.reload()
    await showing(page, 'Interrupted')
    await shoot(page, 'unfinished')
  })
  gate.limit(Number.POSITIVE_INFINITY)

  await inPage({ colorScheme: 'dark' }, async (page) => {
    gate.limit(4)
    await choose(page, backup)
    await showing(page, '32.0 MiB of')
    await dev.kill('SIGKILL')
    gate.limit(Number.POSITIVE_INFINITY)
    await page.locator('.row').getByText('Failed').waitFor({ timeout: 180_000 })
    await shoot(page, 'failed')
    dev = await DevProcess.start(join(folder, 'state'), ports, env)
    await page.getByRole('button', { name: 'Try again' }).click()
    await showing(page, 'Done')
    await shoot(page, 'done')
  })
} finally {
  await browser.close()
  await dev.kill('SIGKILL')
  await gate.stop()
  await rm(folder, { recursive: true })
}
