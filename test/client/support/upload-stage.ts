import { MemoryResumeStore } from '../../../src/client/memory-resume-store.js'
import type { ResumeStore } from '../../../src/client/ports.js'
import {
  type ListResumableOptions,
  listResumable,
  type ResumableUpload,
} from '../../../src/client/resumable.js'
import { Upload, type UploadStatus } from '../../../src/client/upload.js'
import type { UploadOptions } from '../../../src/client/upload-options.js'
import { FakeLocks } from './fake-locks.js'
import { UploadFixture } from './upload-fixture.js'

/** What a page has around its uploads, in memory and with a clock that costs no time. */
export class UploadStage extends UploadFixture {
  readonly memory = new MemoryResumeStore()
  readonly locks = new FakeLocks()
  readonly states: UploadStatus[] = []
  /** Parts that were stopped on their way. */
  interrupted = 0
  #store: ResumeStore = this.memory
  #upload: Upload | undefined
  readonly #whenStored = new Map<number, () => void>()

  get store(): ResumeStore {
    return this.#store
  }

  create(options: Partial<Omit<UploadOptions, 'server'>> = {}): Upload {
    const file = Object.assign(this.file, { lastModified: 1 })
    const environment = { ports: this.ports, locks: this.locks, store: this.#store }
    const upload = new Upload(file, environment, { endpoint: 'https://partway.test', ...options })
    upload.on('state', ({ state }) => {
      this.states.push(state)
      if (state === 'paused') this.interrupted = this.service.puts.length - this.service.stored.size
    })
    upload.on('progress', () => this.#tellStored())
    this.#upload = upload
    return upload
  }

  /** Calls `act` once, when so many parts are in the bucket. */
  whenStored(count: number, act: () => void): void {
    this.#whenStored.set(count, act)
  }

  async until(state: UploadStatus): Promise<void> {
    const reached = new Promise<void>((resolve) => {
      this.#upload?.subscribe(() => {
        if (this.#upload?.state === state) resolve()
      })
    })
    await this.clock.during(reached)
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise((next) => setImmediate(next))
  }

  async pass(ms: number): Promise<void> {
    await this.clock.during(this.clock.sleep(ms, new AbortController().signal))
  }

  listResumable(options?: ListResumableOptions): Promise<ResumableUpload[]> {
    return listResumable({ store: this.#store, clock: this.clock }, options)
  }

  /** As where there is no IndexedDB. */
  breakStore(): void {
    const fail = async () => {
      throw new Error('there is no store')
    }
    this.#store = {
      ...{ find: fail, list: fail, save: fail },
      ...{ addPart: fail, parts: fail, forget: fail },
    }
  }

  #tellStored(): void {
    for (const [count, act] of this.#whenStored) {
      if (this.service.stored.size < count) continue
      this.#whenStored.delete(count)
      act()
    }
  }
}
