import { type Browser, chromium } from 'playwright-core'
import { inject } from 'vitest'
import { minioUrl } from '../../helpers/services.js'

declare module 'vitest' {
  export interface ProvidedContext {
    chromiumProgram: string
  }
}

/** Whether there is what browser tests need. Where `CI` is set, the set-up has failed when there is not. */
export const canDriveBrowser = (): boolean => inject('chromiumProgram') !== '' && minioUrl() !== ''

const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

/** Chromium without a window. Each context of it has a fresh profile. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: inject('chromiumProgram'),
    headless: true,
    args: FLAGS,
  })
}
