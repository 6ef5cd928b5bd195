import { blobFile } from './browser/blob-file.js'
import { browserClock } from './browser/clock.js'
import { IndexedDbResumeStore } from './browser/indexeddb-store.js'
import { browserOnline } from './browser/online.js'
import { WebHasher } from './browser/web-hasher.js'
import { webLocks } from './browser/web-locks.js'
import { XhrTransport } from './browser/xhr-transport.js'
import type { ClientPorts, ResumeStore, UploadLocks } from './ports.js'
import {
  type ListResumableOptions,
  listResumable as listIn,
  type ResumableUpload,
} from './resumable.js'
import { Upload, type UploadEnvironment, type UploadHandleOptions } from './upload.js'
import { checkedConcurrency } from './upload-options.js'

export type { HeadersSource } from './api.js'
export type { ConcurrencyRange } from './concurrency.js'
export type * from './events.js'
export { type ClientErrorCode, PartwayError } from './partway-error.js'
export type * from './ports.js'
export type { ListResumableOptions, ResumableUpload } from './resumable.js'
export type { RetryPolicy } from './retry.js'
export type * from './upload.js'
export type { UploadResult } from './upload-options.js'

export interface CreateUploadOptions extends UploadHandleOptions {
  /** The name of the object, instead of the file's own. */
  readonly filename?: string
  /** Used for the calls to the coordinator. */
  readonly fetch?: typeof fetch
  /** In place of what the browser offers. */
  readonly ports?: Partial<ClientPorts>
  readonly locks?: UploadLocks
  readonly store?: ResumeStore
}

const DEFAULTS = {
  concurrency: { min: 1, max: 8 },
  stallMs: 30_000,
} as const

// Made when they are first needed; one of each is enough for a page.
let hasher: WebHasher | undefined
let store: ResumeStore | undefined

/**
 * An upload of a file (or of bytes), which `start()` begins. The same file goes on where an earlier upload
 * of it stopped, also in an earlier page.
 *
 * ```ts
 * const upload = createUpload(input.files[0], { endpoint: '/' })
 * upload.on('progress', ({ acknowledgedBytes, totalBytes }) => show(acknowledgedBytes / totalBytes))
 * const { object } = await upload.start()
 * ```
 *
 * @throws PartwayError `INVALID_OPTION`
 */
export function createUpload(file: Blob, options: CreateUploadOptions): Upload {
  const { filename, fetch, ports, locks, store: ownStore, ...rest } = options
  const all = { ...DEFAULTS, ...rest, endpoint: absolute(options.endpoint) }
  checkedConcurrency(all.concurrency)
  const environment: UploadEnvironment = {
    ports: { ...browserPorts(fetch), ...ports },
    locks: locks ?? webLocks,
    store: ownStore ?? sharedStore(),
  }
  const { random } = environment.ports
  const source = blobFile(file, { random, ...(filename === undefined ? {} : { filename }) })
  return new Upload(source, environment, {
    ...(file.type === '' ? {} : { contentType: file.type }),
    ...all,
  })
}

/** The uploads that this browser remembers as begun and not finished, the latest first. */
export async function listResumable(options?: ListResumableOptions): Promise<ResumableUpload[]> {
  return listIn({ store: sharedStore(), clock: browserClock }, options).catch(() => [])
}

/** Forgets an upload here. At the server it is cleaned up when it expires. */
export async function forget(id: string): Promise<void> {
  await sharedStore()
    .forget(id)
    .catch(() => {})
}

function browserPorts(customFetch: typeof fetch | undefined): ClientPorts {
  hasher ??= new WebHasher()
  return {
    transport: new XhrTransport(customFetch),
    clock: browserClock,
    hasher,
    online: browserOnline,
    random: Math.random,
    createAbortController: () => new AbortController(),
  }
}

function sharedStore(): ResumeStore {
  store ??= new IndexedDbResumeStore()
  return store
}

/** An address within the site is an address, too. */
function absolute(endpoint: string): string {
  return URL.canParse(endpoint, location.href) ? new URL(endpoint, location.href).href : endpoint
}
