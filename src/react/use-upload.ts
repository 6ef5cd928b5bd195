import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { type CreateUploadOptions, createUpload, type Upload } from '../client/index.js'
import type { UploadSnapshot } from '../client/upload.js'

export interface UploadControls extends UploadSnapshot {
  /** Begins to upload `file`; an upload that was under way is paused. A failure is told by `error`. */
  start(file: Blob): void
  /** Stops; what has arrived is kept. */
  pause(): void
  /** Goes on after a pause, or after a failure. */
  resume(): void
  /** Gives the upload up: nothing of it is left in the bucket. */
  cancel(): void
}

const NOTHING: UploadSnapshot = {
  state: 'idle',
  progress: {
    ...{ type: 'progress', acknowledgedBytes: 0, inFlightBytes: 0, totalBytes: 0 },
    bytesPerSecond: 0,
  },
  ...{ error: undefined, result: undefined, uploadId: undefined },
}
const NEVER = () => () => {}
const nothing = () => NOTHING

/**
 * One upload at a time, as state of a component. When the component goes, the upload is paused: what has
 * arrived is kept, and goes on when the same file is started again.
 *
 * ```tsx
 * const { start, state, progress } = useUpload({ endpoint: '/' })
 * return <input type="file" onChange={(event) => start(event.target.files[0])} disabled={state === 'uploading'} />
 * ```
 */
export function useUpload(options: CreateUploadOptions): UploadControls {
  const [upload, setUpload] = useState<Upload>()
  const current = useRef<Upload>(undefined)
  // `start` takes the options of the latest render, and need not change with each.
  const latest = useRef(options)
  useEffect(() => {
    latest.current = options
  })
  // Strict mode unmounts and mounts again at once, before anything can have been started.
  useEffect(() => () => void current.current?.pause(), [])

  const start = useCallback((file: Blob) => {
    current.current?.pause()
    const next = createUpload(file, latest.current)
    current.current = next
    setUpload(next)
    next.start().catch(() => {})
  }, [])
  const controls = useMemo(() => controlsOf(upload), [upload])
  const snapshot = useSyncExternalStore(
    useCallback((changed) => upload?.subscribe(changed) ?? NEVER(), [upload]),
    () => upload?.snapshot ?? NOTHING,
    nothing,
  )
  return { ...snapshot, ...controls, start }
}

function controlsOf(
  upload: Upload | undefined,
): Omit<UploadControls, keyof UploadSnapshot | 'start'> {
  return {
    pause: () => void upload?.pause(),
    // A failure is in the state already.
    resume: () => void upload?.start().catch(() => {}),
    cancel: () => void upload?.cancel().catch(() => {}),
  }
}
