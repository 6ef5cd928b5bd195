import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { CHROMIUM_FLAGS } from '../browser/support/launch-chromium.js'

interface Answer {
  readonly id?: number
  readonly result?: never
  readonly error?: { readonly message: string }
}

/**
 * One tab of a Chromium that nothing looks at but what is asked here. Playwright, as the developer tools do, has every
 * request told with its body, which costs a page that sends bytes more than the sending.
 *
 * It speaks the protocol of https://chromedevtools.github.io/devtools-protocol/ over a pipe.
 */
export class Tab {
  readonly #browser: ChildProcess
  readonly #profile: string
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #session: string | undefined
  #asked = 0

  private constructor(browser: ChildProcess, profile: string) {
    this.#browser = browser
    this.#profile = profile
    let rest = ''
    const answers = browser.stdio[4] as Readable
    answers.setEncoding('utf8').on('data', (text: string) => {
      const messages = (rest + text).split('\0')
      rest = messages.pop() ?? ''
      for (const message of messages) this.#take(JSON.parse(message))
    })
  }

  static async open(program: string, url: string): Promise<Tab> {
    const profile = await mkdtemp(join(tmpdir(), 'partway-tab-'))
    const own = ['--headless', '--remote-debugging-pipe', `--user-data-dir=${profile}`]
    const browser = spawn(program, [...CHROMIUM_FLAGS, ...own, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    })
    const tab = new Tab(browser, profile)
    const { targetId } = await tab.ask<{ targetId: string }>('Target.createTarget', { url })
    const attach = { targetId, flatten: true }
    const { sessionId } = await tab.ask<{ sessionId: string }>('Target.attachToTarget', attach)
    tab.#session = sessionId
    // Until the page is there, questions meet the blank one, or nobody.
    while ((await tab.evaluate('document.title').catch(() => '')) !== 'ready') {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return tab
  }

  /** Sends a command of the protocol, to the tab once there is one. */
  ask<T>(method: string, params: object = {}, toBrowser = false): Promise<T> {
    const id = ++this.#asked
    const session = toBrowser ? undefined : this.#session
    const message = { id, method, params, ...(session && { sessionId: session }) }
    const commands = this.#browser.stdio[3] as Writable
    commands.write(`${JSON.stringify(message)}\0`)
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error === undefined) resolve(result as T)
        else reject(new Error(`${method}: ${error.message}`))
      })
    })
  }

  /** What the expression, or the promise that it gives, comes to: plain data. */
  async evaluate<T>(expression: string): Promise<T> {
    const options = { expression, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = await this.ask<Evaluated<T>>('Runtime.evaluate', options)
    if (exceptionDetails === undefined) return result.value
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
  }

  /** Chooses a file of the disk in the input of the page. */
  async choose(path: string): Promise<void> {
    const { root } = await this.ask<{ root: { nodeId: number } }>('DOM.getDocument')
    const { nodeId } = await this.ask<{ nodeId: number }>('DOM.querySelector', {
      nodeId: root.nodeId,
      selector: 'input',
    })
    await this.ask('DOM.setFileInputFiles', { nodeId, files: [path] })
  }

  async close(): Promise<void> {
    const ended = once(this.#browser, 'exit')
    this.#browser.kill()
    await ended
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }

  #take(answer: Answer): void {
    if (answer.id === undefined) return
    this.#waiting.get(answer.id)?.(answer)
    this.#waiting.delete(answer.id)
  }
}

interface Evaluated<T> {
  readonly result: { readonly value: T }
  readonly exceptionDetails?: {
    readonly text: string
    readonly exception?: { readonly description?: string }
  }
}
