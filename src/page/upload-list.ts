import { createUpload } from '../client/index.js'
import type { Announcer } from './announcer.js'
import { UploadQueue } from './upload-queue.js'
import { UploadRow } from './upload-row.js'
import { percentOf } from './words.js'

export interface UploadListOptions {
  readonly section: HTMLElement
  readonly list: HTMLElement
  readonly summary: HTMLElement
  readonly announcer: Announcer
  /** A file is in the list, or is no longer. */
  readonly onChange: () => void
  /** What had the focus is gone, and nothing is left in the list. */
  readonly onFocusLost: () => void
}

const FILES_AT_ONCE = 2
/** Of one file. Browsers open six connections to a host, and what waits for one looks as if it stood still. */
const PARTS_AT_ONCE = { min: 1, max: 3 }

/** The uploads of this page. */
export class UploadList {
  readonly #options: UploadListOptions
  readonly #queue = new UploadQueue(FILES_AT_ONCE)
  readonly #rows = new Set<UploadRow>()
  readonly #title = document.title

  constructor(options: UploadListOptions) {
    this.#options = options
  }

  get files(): readonly File[] {
    return [...this.#rows].map(({ file }) => file)
  }

  add(files: readonly File[]): void {
    const { announcer, list, section, onChange } = this.#options
    for (const file of files) {
      const upload = createUpload(file, { endpoint: './', concurrency: PARTS_AT_ONCE })
      const row = new UploadRow({ file, upload, announcer, onLeave: () => this.#remove(row) })
      this.#rows.add(row)
      list.append(row.root)
      upload.subscribe(() => this.#summarize())
      this.#queue.add(upload)
    }
    section.hidden = false
    announcer.say(files.length === 1 ? '1 file added.' : `${files.length} files added.`)
    this.#summarize()
    onChange()
  }

  #remove(row: UploadRow): void {
    const rows = [...this.#rows]
    const neighbour = rows[rows.indexOf(row) + 1] ?? rows[rows.indexOf(row) - 1]
    const hadFocus = row.root.contains(document.activeElement)
    this.#rows.delete(row)
    this.#queue.remove(row.upload)
    row.root.remove()
    this.#options.section.hidden = this.#rows.size === 0
    if (hadFocus && neighbour !== undefined) neighbour.focus()
    else if (hadFocus) this.#options.onFocusLost()
    this.#summarize()
    this.#options.onChange()
  }

  #summarize(): void {
    const snapshots = [...this.#rows].map(({ upload }) => upload.snapshot)
    const done = snapshots.filter(({ state }) => state === 'completed').length
    this.#options.summary.textContent = `${done} of ${snapshots.length} done`
    const sum = (key: 'acknowledgedBytes' | 'totalBytes') =>
      snapshots.reduce((total, { progress }) => total + progress[key], 0)
    const totals = { acknowledgedBytes: sum('acknowledgedBytes'), totalBytes: sum('totalBytes') }
    const isOver = done === snapshots.length
    document.title = isOver ? this.#title : `${percentOf(totals)} % – ${this.#title}`
  }
}
