import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { serviceUrlOf } from './local-bucket.js'

const MAIN = fileURLToPath(new URL('local-bucket-main.ts', import.meta.url))

/** The embedded bucket as a process of its own, which can be killed. */
export class LocalBucketProcess {
  readonly url: string
  readonly #child: ChildProcessWithoutNullStreams
  readonly #lines: Interface

  private constructor(child: ChildProcessWithoutNullStreams, lines: Interface, url: string) {
    this.url = url
    this.#child = child
    this.#lines = lines
  }

  static async start(folder: string, port = 0): Promise<LocalBucketProcess> {
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, folder, String(port)])
    child.stderr.pipe(process.stderr)
    const lines = createInterface({ input: child.stdout })
    const url = await Promise.race([
      once(lines, 'line').then(([line]) => String(line)),
      once(child, 'close').then(() => Promise.reject(new Error('the bucket did not start'))),
    ])
    return new LocalBucketProcess(child, lines, url)
  }

  /** With the credentials. */
  get serviceUrl(): string {
    return serviceUrlOf(this.url)
  }

  /** Resident memory now, in bytes. */
  async memory(): Promise<number> {
    this.#child.stdin.write('\n')
    const [line] = await once(this.#lines, 'line')
    return Number(line)
  }

  /** The most resident memory that it ever had, in bytes. Linux only. */
  async peakMemory(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024
  }

  /** As when the power goes: it can do nothing about it. */
  async kill(): Promise<void> {
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGKILL')
    await closed
  }
}
