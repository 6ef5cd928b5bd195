import { forget, listResumable, type ResumableUpload } from '../client/index.js'
import { formatBytes } from '../client/units.js'
import type { Announcer } from './announcer.js'
import { RowView } from './row-view.js'
import { percentOf } from './words.js'

export interface UnfinishedOptions {
  readonly section: HTMLElement
  readonly list: HTMLElement
  /** A file input of its own, which takes one file. */
  readonly input: HTMLInputElement
  readonly announcer: Announcer
  /** The files that are in the list of uploads. */
  readonly current: () => readonly File[]
  /** The file that belongs to an unfinished upload was chosen. */
  readonly onFile: (file: File) => void
  /** Discards it at the server; rejects with what to tell when that does not work. */
  readonly discard: (uploadId: string) => Promise<void>
  /** What had the focus is gone. */
  readonly onFocusLost: () => void
}

/** The uploads that earlier pages have left, and the way to go on with them. */
export class Unfinished {
  readonly #options: UnfinishedOptions
  readonly #rows = new Map<string, RowView>()
  #wanted: ResumableUpload | undefined

  constructor(options: UnfinishedOptions) {
    this.#options = options
    const { input } = options
    input.addEventListener('change', () => {
      const file = input.files?.[0]
      input.value = ''
      if (file !== undefined && this.#wanted !== undefined) this.#chosen(this.#wanted, file)
    })
  }

  async refresh(): Promise<void> {
    const current = this.#options.current()
    const all = await listResumable()
    const left = all.filter((upload) => !current.some((file) => isOf(upload, file)))
    const ids = new Set(left.map(({ id }) => id))
    for (const id of this.#rows.keys()) if (!ids.has(id)) this.#remove(id)
    for (const upload of left) if (!this.#rows.has(upload.id)) this.#add(upload)
    this.#options.section.hidden = this.#rows.size === 0
  }

  #add(upload: ResumableUpload): void {
    const view = new RowView(upload.filename)
    const { acknowledgedBytes, size } = upload
    const share = acknowledgedBytes / size
    const percent = percentOf({ acknowledgedBytes, totalBytes: size })
    const text = `${formatBytes(acknowledgedBytes)} of ${formatBytes(size)} (${percent} %) arrived`
    view.state('Interrupted', 'waiting')
    view.progress({ arrived: share, sent: share, text })
    view.actions([
      { name: 'Choose the file', onPress: () => this.#ask(upload), primary: true },
      { name: 'Discard', onPress: () => void this.#discard(upload) },
    ])
    this.#rows.set(upload.id, view)
    this.#options.list.append(view.root)
  }

  #remove(id: string): void {
    const root = this.#rows.get(id)?.root
    const hadFocus = root?.contains(document.activeElement)
    this.#rows.delete(id)
    root?.remove()
    if (hadFocus) this.#options.onFocusLost()
  }

  #ask(upload: ResumableUpload): void {
    this.#wanted = upload
    this.#options.input.click()
  }

  #chosen(upload: ResumableUpload, file: File): void {
    const difference = differenceOf(upload, file)
    if (difference === undefined) this.#options.onFile(file)
    else this.#tell(upload, { title: 'That is not the file that was begun', text: difference })
  }

  async #discard(upload: ResumableUpload): Promise<void> {
    try {
      await this.#options.discard(upload.uploadId)
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      return this.#tell(upload, { title: 'It could not be discarded', text })
    }
    await forget(upload.id)
    this.#options.announcer.say(`${upload.filename}: discarded.`)
    await this.refresh()
  }

  #tell({ id, filename }: ResumableUpload, problem: { title: string; text: string }): void {
    this.#rows.get(id)?.problem(problem)
    this.#options.announcer.say(`${filename}: ${problem.title}. ${problem.text}`)
  }
}

function isOf(upload: ResumableUpload, file: File): boolean {
  return differenceOf(upload, file) === undefined
}

/** What makes the file another one than that of the upload. */
function differenceOf(upload: ResumableUpload, file: File): string | undefined {
  if (file.name !== upload.filename) return `It is called ${file.name}.`
  if (file.size !== upload.size) {
    return `It has ${formatBytes(file.size)} instead of ${formatBytes(upload.size)}.`
  }
  if (file.lastModified !== upload.lastModified) {
    return 'It was changed since. To upload it as it is now, choose it above.'
  }
  return undefined
}
