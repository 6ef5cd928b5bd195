import type { ProgressEvent, ResumedEvent, RetryEvent } from '../client/events.js'
import { formatBytes, formatSeconds } from '../client/units.js'

/** The words for what happens, the same on a terminal and in a log. */

export function percentOf({ acknowledgedBytes, totalBytes }: ProgressEvent): number {
  return Math.floor((acknowledgedBytes * 100) / totalBytes)
}

/** `12.0 MiB of 40.0 MiB (30 %), 5.2 MiB/s, 6 s left` */
export function progressText(event: ProgressEvent): string {
  const { acknowledgedBytes, totalBytes, bytesPerSecond, secondsLeft } = event
  const share = `${formatBytes(acknowledgedBytes)} of ${formatBytes(totalBytes)}`
  const speed = bytesPerSecond > 0 ? `, ${formatBytes(bytesPerSecond)}/s` : ''
  const left = secondsLeft === undefined ? '' : `, ${formatSeconds(secondsLeft)} left`
  return `${share} (${percentOf(event)} %)${speed}${left}`
}

export function resumedText({ skippedParts, skippedBytes }: ResumedEvent): string {
  const parts = skippedParts === 1 ? '1 part' : `${skippedParts} parts`
  return `going on: ${parts} (${formatBytes(skippedBytes)}) are there already`
}

export function retryText({ what, index, reason, delayMs }: RetryEvent): string {
  const subject = index === undefined ? what : `part ${index}`
  const when = delayMs === 0 ? 'again' : `again in ${formatSeconds(Math.ceil(delayMs / 1_000))}`
  return `${subject}: ${reason}; ${when}`
}
