import { readFile } from 'node:fs/promises'
import { MIB } from '../../src/protocol/index.js'
import type { Tab } from './tab.js'

const EVERY_MS = 100

interface HeapUsage {
  readonly usedSize: number
  /** Of array buffers, which are outside the heap of the language. */
  readonly backingStorageSize?: number
}

interface ProcessInfo {
  readonly type: string
  readonly id: number
  /** Seconds of processor so far. */
  readonly cpuTime: number
}

/** Watches a tab's memory, the longest task of its thread, and what all of the browser takes of the processors. */
export class BrowserWatch {
  readonly #tab: Tab
  #timer: NodeJS.Timeout | undefined
  #pids: readonly number[] = []
  #cpuBefore = 0
  #heap = 0
  #buffers = 0
  #resident = 0

  constructor(tab: Tab) {
    this.#tab = tab
  }

  async begin(): Promise<void> {
    await this.#tab.ask('HeapProfiler.collectGarbage')
    const processes = await this.#processes()
    // There is one tab, whose process is the largest: another may be kept ready for the next tab.
    this.#pids = processes.filter(({ type }) => type === 'renderer').map(({ id }) => id)
    this.#cpuBefore = secondsOf(processes)
    this.#heap = 0
    this.#buffers = 0
    this.#resident = 0
    await this.#tab.evaluate('bench.longestTask()')
    this.#timer = setInterval(() => this.#look().catch(() => {}), EVERY_MS)
  }

  /** Resolves to what was seen since {@link BrowserWatch.begin}, in words. */
  async end(): Promise<string> {
    clearInterval(this.#timer)
    await this.#look()
    const longest = await this.#tab.evaluate<number>('bench.longestTask()')
    const cpu = secondsOf(await this.#processes()) - this.#cpuBefore
    const task = longest === 0 ? 'below 50' : longest.toFixed(0)
    return `${cpu.toFixed(1)} s of processor for the browser; JS heap ${mib(this.#heap)}, array buffers ${mib(this.#buffers)}, tab's process ${mib(this.#resident)} at most; longest task ${task} ms`
  }

  async #look(): Promise<void> {
    const usage = await this.#tab.ask<HeapUsage>('Runtime.getHeapUsage')
    this.#heap = Math.max(this.#heap, usage.usedSize)
    this.#buffers = Math.max(this.#buffers, usage.backingStorageSize ?? 0)
    const resident = await Promise.all(this.#pids.map(residentBytes))
    this.#resident = Math.max(this.#resident, ...resident)
  }

  async #processes(): Promise<readonly ProcessInfo[]> {
    const ask = this.#tab.ask<{ processInfo: ProcessInfo[] }>('SystemInfo.getProcessInfo', {}, true)
    return (await ask).processInfo
  }
}

function secondsOf(processes: readonly ProcessInfo[]): number {
  return processes.reduce((sum, { cpuTime }) => sum + cpuTime, 0)
}

/** 0 where the system does not tell. */
async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`
}
