import { SingleBar } from 'cli-progress'
import type { ProgressEvent } from '../client/events.js'
import { printable } from './printable.js'
import { progressText } from './progress-text.js'
import type { ProgressView } from './text-reporter.js'

/** Progress as a bar on a terminal. */
export function barProgress(file: string, stream: NodeJS.WritableStream): ProgressView {
  let bar: SingleBar | undefined
  const close = () => {
    bar?.stop()
    bar = undefined
  }
  return {
    show(event) {
      bar ??= startBar(stream, event)
      bar.update(event.acknowledgedBytes, { text: progressText(event), file: printable(file) })
    },
    // A line in the midst of a bar would be overwritten; the next progress draws a new bar below it.
    line(text) {
      close()
      stream.write(`${text}\n`)
    },
    close,
  }
}

function startBar(stream: NodeJS.WritableStream, { totalBytes }: ProgressEvent): SingleBar {
  const bar = new SingleBar({
    stream,
    format: '{bar} {text}  {file}',
    barsize: 24,
    barCompleteChar: '\u2588',
    barIncompleteChar: '\u2591',
    fps: 5,
    hideCursor: true,
    // Signals are the business of the command, which stops the bar when it ends.
    gracefulExit: false,
  })
  bar.start(totalBytes, 0, { text: '', file: '' })
  return bar
}
