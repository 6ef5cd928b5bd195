import { readFile } from 'node:fs/promises'
import type { CDPSession, Page } from 'playwright-core'
import { MIB } from '../../src/protocol/index.js'

const EVERY_MS = 100

interface HeapUsage {
  readonly usedSize: number
  /** Of array buffers, which are outside the heap of the language. */
  readonly backingStorageSize?: number
}

/** Watches a page's memory and the longest task of its thread. */
export class BrowserWatch {
  readonly #page: Page
  readonly #session: CDPSession
  readonly #pids: readonly number[]
  #timer: NodeJS.Timeout | undefined
  #heap = 0
  #buffers = 0
  #resident = 0

  private constructor(page: Page, session: CDPSession, pids: readonly number[]) {
    this.#page = page
    this.#session = session
    this.#pids = pids
  }

  static async start(page: Page): Promise<BrowserWatch> {
    const session = await page.context().newCDPSession(page)
    return new BrowserWatch(page, session, await tabProcesses(page))
  }

  async begin(): Promise<void> {
    await this.#session.send('HeapProfiler.collectGarbage')
    this.#heap = 0
    this.#buffers = 0
    this.#resident = 0
    await this.#page.evaluate(() => window.bench.longestTask())
    this.#timer = setInterval(() => this.#look().catch(() => {}), EVERY_MS)
  }

  /** Resolves to what was seen since {@link BrowserWatch.begin}, in words. */
  async end(): Promise<string> {
    clearInterval(this.#timer)
    await this.#look()
    const longest = await this.#page.evaluate(() => window.bench.longestTask())
    const task = longest === 0 ? 'below 50' : longest.toFixed(0)
    return `JS heap ${mib(this.#heap)}, array buffers ${mib(this.#buffers)}, tab's process ${mib(this.#resident)} at most; longest task ${task} ms`
  }

  async #look(): Promise<void> {
    const usage: HeapUsage = await this.#session.send('Runtime.getHeapUsage')
    this.#heap = Math.max(this.#heap, usage.usedSize)
    this.#buffers = Math.max(this.#buffers, usage.backingStorageSize ?? 0)
    const resident = await Promise.all(this.#pids.map(residentBytes))
    this.#resident = Math.max(this.#resident, ...resident)
  }
}

/** There is one tab, whose process is the largest: another may be kept ready for the next tab. */
async function tabProcesses(page: Page): Promise<number[]> {
  const session = await page.context().browser()?.newBrowserCDPSession()
  const info = await session?.send('SystemInfo.getProcessInfo')
  return info?.processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id) ?? []
}

/** 0 where the system does not tell. */
async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`
}
