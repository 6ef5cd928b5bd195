import type { ResumedEvent, RetryEvent, Upload, UploadSnapshot } from '../client/index.js'
import { formatBytes, formatSeconds } from '../client/units.js'
import type { Announcer } from './announcer.js'
import { type Action, RowView, type Share } from './row-view.js'
import { canTryAgain, percentOf, problemOf, progressText, resultRows, STATES } from './words.js'

export interface UploadRowOptions {
  readonly file: File
  readonly upload: Upload
  readonly announcer: Announcer
  /** The row is to go. */
  readonly onLeave: () => void
}

/** How often numbers are shown anew; a change of the state is shown at once. */
const SHOW_MS = 200
const ANNOUNCED_PERCENT = 25

/** Shows one upload, and lets a person steer it. */
export class UploadRow {
  readonly file: File
  readonly upload: Upload
  readonly #view: RowView
  readonly #options: UploadRowOptions
  #shown: UploadSnapshot | undefined
  #timer: number | undefined
  #quarters = 0

  constructor(options: UploadRowOptions) {
    const { file, upload } = options
    this.file = file
    this.upload = upload
    this.#options = options
    this.#view = new RowView(file.name)
    upload.subscribe(() => this.#changed())
    upload.on('retry', (event) => this.#view.note(retryText(event)))
    upload.on('resumed', (event) => this.#resumed(event))
    this.#show()
  }

  get root(): HTMLElement {
    return this.#view.root
  }

  focus(): void {
    this.#view.focus()
  }

  #changed(): void {
    if (this.upload.state !== this.#shown?.state) this.#show()
    this.#timer ??= window.setTimeout(() => {
      this.#timer = undefined
      this.#show()
    }, SHOW_MS)
  }

  #show(): void {
    const before = this.#shown
    const snapshot = this.upload.snapshot
    this.#shown = snapshot
    const { state, progress, error, result } = snapshot
    if (state !== before?.state) this.#enter(snapshot)
    if (progress.acknowledgedBytes > (before?.progress.acknowledgedBytes ?? 0)) this.#view.note('')
    this.#view.progress(shareOf(snapshot))
    this.#view.problem(error && problemOf(error))
    if (result !== undefined) this.#view.result(resultRows(result))
    this.#view.actions(this.#actions(snapshot))
    this.#announceProgress(snapshot)
  }

  #enter({ state, error }: UploadSnapshot): void {
    const { word, tone } = STATES[state]
    this.#view.state(word, tone)
    if (state === 'paused' || state === 'completed' || state === 'failed') this.#view.note('')
    if (state === 'offline') this.#view.note('There is no network. It goes on by itself.')
    if (error !== undefined) {
      const { title, text } = problemOf(error)
      this.#say(`failed. ${title}. ${text}`)
    } else if (['completed', 'paused', 'cancelled', 'offline'].includes(state)) {
      this.#say(`${word.toLowerCase()}.`)
    }
    if (state === 'cancelled') this.#options.onLeave()
  }

  #actions({ state, error, uploadId }: UploadSnapshot): Action[] {
    const { upload } = this
    const discard = { name: 'Cancel', onPress: () => void upload.cancel().catch(() => {}) }
    const leave = { name: 'Remove from list', onPress: this.#options.onLeave }
    const start = () => void upload.start().catch(() => {})
    if (state === 'completed') return [...this.#copyKey(), leave]
    if (state === 'failed') {
      const isHopeful = error === undefined || canTryAgain(error)
      const again = isHopeful ? [{ name: 'Try again', onPress: start, primary: true }] : []
      return [...again, uploadId === undefined ? leave : discard]
    }
    if (state === 'cancelling' || state === 'cancelled') return []
    if (state === 'idle') return [discard]
    if (state === 'paused') return [{ name: 'Resume', onPress: start, primary: true }, discard]
    return [{ name: 'Pause', onPress: () => void upload.pause() }, discard]
  }

  /** Only secure contexts have a clipboard. */
  #copyKey(): Action[] {
    const key = this.upload.snapshot.result?.object.key
    const { clipboard } = navigator as { readonly clipboard?: Clipboard }
    if (clipboard === undefined || key === undefined) return []
    const onPress = () =>
      void clipboard.writeText(key).then(
        () => this.#told('The key is copied.'),
        () => this.#told('The browser does not let this page copy.'),
      )
    return [{ name: 'Copy key', onPress }]
  }

  #told(text: string): void {
    this.#view.note(text)
    this.#options.announcer.say(text)
  }

  #resumed({ skippedParts, skippedBytes }: ResumedEvent): void {
    const parts = skippedParts === 1 ? '1 part was' : `${skippedParts} parts were`
    const text = `${parts} there already (${formatBytes(skippedBytes)}) and need not be sent again.`
    this.#view.note(text)
    this.#say(text)
  }

  #announceProgress({ state, progress }: UploadSnapshot): void {
    const quarters = Math.floor(percentOf(progress) / ANNOUNCED_PERCENT)
    if (state !== 'uploading' || quarters === this.#quarters) return
    this.#quarters = quarters
    if (quarters > 0 && quarters < 4) this.#say(`${quarters * ANNOUNCED_PERCENT} %.`)
  }

  #say(text: string): void {
    this.#options.announcer.say(`${this.file.name}: ${text}`)
  }
}

function shareOf({ state, progress }: UploadSnapshot): Share {
  const { acknowledgedBytes, inFlightBytes, totalBytes } = progress
  if (state === 'idle') return { arrived: 0, sent: 0, text: formatBytes(totalBytes) }
  const isMoving = state === 'uploading'
  const sent = acknowledgedBytes + (isMoving ? inFlightBytes : 0)
  const share = (bytes: number) => (totalBytes === 0 ? 0 : Math.min(1, bytes / totalBytes))
  const text = progressText(progress, isMoving)
  return { arrived: share(acknowledgedBytes), sent: share(sent), text }
}

function retryText({ index, reason, delayMs }: RetryEvent): string {
  const subject = index === undefined ? '' : `Part ${index}: `
  const when =
    delayMs < 1_000
      ? 'Trying again'
      : `Trying again in ${formatSeconds(Math.ceil(delayMs / 1_000))}`
  return `${subject}${reason}. ${when}.`
}
