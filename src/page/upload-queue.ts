import type { Upload, UploadStatus } from '../client/index.js'

const RUNNING: ReadonlySet<UploadStatus> = new Set([
  ...(['locked', 'preparing', 'uploading', 'offline', 'completing', 'cancelling'] as const),
])

/** Starts uploads in their order, so many at once. One that is paused gives its place to the next. */
export class UploadQueue {
  readonly #atOnce: number
  readonly #uploads = new Set<Upload>()

  constructor(atOnce: number) {
    this.#atOnce = atOnce
  }

  add(upload: Upload): void {
    this.#uploads.add(upload)
    upload.on('state', () => this.#startNext())
    this.#startNext()
  }

  remove(upload: Upload): void {
    this.#uploads.delete(upload)
    this.#startNext()
  }

  #startNext(): void {
    const uploads = [...this.#uploads]
    if (uploads.filter(({ state }) => RUNNING.has(state)).length >= this.#atOnce) return
    const next = uploads.find(({ state }) => state === 'idle')
    // How it ends is told by its state; and starting it comes back here for the one after it.
    next?.start().catch(() => {})
  }
}
