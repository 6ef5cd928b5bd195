import type { UploadControls } from 'partway/react'
import { bytes, duration } from './words'

interface Props {
  readonly filename: string
  readonly upload: Omit<UploadControls, 'start'>
}

const WORDS: Record<UploadControls['state'], string> = {
  idle: '',
  locked: 'Another tab is uploading this file',
  preparing: 'Looking for what has arrived already…',
  uploading: 'Uploading',
  offline: 'Waiting for the network',
  completing: 'All sent. The server is checking the object…',
  paused: 'Paused',
  cancelling: 'Cancelling…',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Cancelled',
}

export function UploadCard({ filename, upload }: Props) {
  const { state, progress, error, result } = upload
  const { acknowledgedBytes, totalBytes, bytesPerSecond, secondsLeft } = progress
  const isMoving = state === 'uploading' && bytesPerSecond > 0

  return (
    <section className={`card ${state}`} aria-label={filename}>
      <h2>{filename}</h2>
      <progress value={acknowledgedBytes} max={totalBytes || 1} aria-label="Progress" />
      <p className="quiet">
        {bytes(acknowledgedBytes)} of {bytes(totalBytes)}
        {isMoving && ` · ${bytes(bytesPerSecond)}/s`}
        {isMoving && secondsLeft !== undefined && ` · ${duration(secondsLeft)} left`}
      </p>
      <p role="status">{error?.message ?? WORDS[state]}</p>
      {result && <code className="quiet">{result.object.key}</code>}
      <Buttons upload={upload} />
    </section>
  )
}

function Buttons({ upload: { state, pause, resume, cancel } }: Pick<Props, 'upload'>) {
  switch (state) {
    case 'idle':
    case 'completed':
    case 'cancelling':
    case 'cancelled':
      return null
    case 'paused':
    case 'failed':
      return (
        <div className="buttons">
          <Button onClick={resume}>{state === 'paused' ? 'Resume' : 'Try again'}</Button>
          <Button onClick={cancel}>Cancel</Button>
        </div>
      )
    default:
      return (
        <div className="buttons">
          <Button onClick={pause}>Pause</Button>
          <Button onClick={cancel}>Cancel</Button>
        </div>
      )
  }
}

function Button({
  onClick,
  children,
}: {
  readonly onClick: () => void
  readonly children: string
}) {
  return (
    <button type="button" onClick={onClick}>
      {children}
    </button>
  )
}
