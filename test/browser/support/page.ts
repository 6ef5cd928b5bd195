import { IndexedDbResumeStore } from '../../../src/client/browser/indexeddb-store.js'
import type { CreateUploadOptions, Upload, UploadStatus } from '../../../src/client/index.js'
import type { UploadEvent } from '../../../src/client/node.js'
import { seededBytes } from './seeded-bytes.js'

/** What the page under test offers to a test, as `window.stage`. */
export interface StagePage {
  readonly partway: typeof import('../../../src/client/index.js')
  readonly store: IndexedDbResumeStore
  upload: Upload | undefined
  readonly states: UploadStatus[]
  readonly retries: Extract<UploadEvent, { type: 'retry' }>[]
  readonly resumed: Extract<UploadEvent, { type: 'resumed' }>[]
  readonly acknowledged: number[]
  /** Creates an upload of the seeded file, and starts it. */
  begin(file: SeededFile, options: CreateUploadOptions): void
  beginWith(file: File, options: CreateUploadOptions): void
  /** How the upload ended. */
  end(): Promise<UploadEnd>
}

export interface SeededFile {
  readonly seed: number
  readonly size: number
  readonly name: string
  readonly lastModified: number
}

export type UploadEnd =
  | { readonly kind: 'completed'; readonly key: string; readonly size: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

declare global {
  interface Window {
    stage: StagePage
  }
}

// The very file that a page loads, not the sources that the test runner sees.
const built = '/client/partway-client.js'
const partway: StagePage['partway'] = await import(built)

window.stage = {
  partway,
  store: new IndexedDbResumeStore(),
  upload: undefined,
  states: [],
  retries: [],
  resumed: [],
  acknowledged: [],
  begin({ seed, size, name, lastModified }, options) {
    this.beginWith(new File([seededBytes(seed, size)], name, { lastModified }), options)
  },
  beginWith(file, options) {
    const upload = partway.createUpload(file, options)
    this.upload = upload
    upload.on('state', ({ state }) => this.states.push(state))
    upload.on('retry', (event) => this.retries.push(event))
    upload.on('resumed', (event) => this.resumed.push(event))
    upload.on('progress', ({ acknowledgedBytes }) => this.acknowledged.push(acknowledgedBytes))
    upload.start().catch(() => {})
  },
  async end() {
    if (this.upload === undefined) throw new Error('nothing was begun')
    try {
      const { object } = await this.upload.result
      return { kind: 'completed', key: object.key, size: object.size }
    } catch (error) {
      if (!(error instanceof partway.PartwayError)) throw error
      return { kind: 'failed', code: error.code, message: error.message }
    }
  },
}
document.title = 'ready'
