import { createElement, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import {
  type CreateUploadOptions,
  type UploadControls,
  useUpload,
} from '../../../src/react/index.js'
import type { SeededFile } from './page.js'
import { seededBytes } from './seeded-bytes.js'

/** A page with one component that uploads, as `window.reactStage`. */
export interface ReactStage {
  /** What the hook gave at the last rendering. */
  controls: UploadControls | undefined
  renderings: number
  mount(options: CreateUploadOptions): void
  unmount(): void
  file(file: SeededFile): File
}

declare global {
  interface Window {
    reactStage: ReactStage
  }
}

function Uploader({ options }: { readonly options: CreateUploadOptions }) {
  const controls = useUpload(options)
  window.reactStage.controls = controls
  window.reactStage.renderings++
  const { state, progress } = controls
  return createElement(
    'p',
    null,
    `${state} ${progress.acknowledgedBytes} of ${progress.totalBytes}`,
  )
}

const root = createRoot(document.querySelector('main') ?? document.body)

window.reactStage = {
  controls: undefined,
  renderings: 0,
  mount: (options) => {
    root.render(createElement(StrictMode, null, createElement(Uploader, { options })))
  },
  unmount: () => root.unmount(),
  file: ({ seed, size, name, lastModified }) =>
    new File([seededBytes(seed, size)], name, { lastModified }),
}
document.title = 'ready'
