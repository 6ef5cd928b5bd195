import type { Browser } from 'playwright-core'
import { inject } from 'vitest'
import { minioUrl } from '../../helpers/services.js'
import { launchChromium } from './launch-chromium.js'

declare module 'vitest' {
  export interface ProvidedContext {
    chromiumProgram: string
  }
}

/** Whether there is what browser tests need. Where `CI` is set, the set-up has failed when there is not. */
export const canDriveBrowser = (): boolean => inject('chromiumProgram') !== '' && minioUrl() !== ''

/** Chromium without a window. Each context of it has a fresh profile. */
export function launchBrowser(flags: readonly string[] = []): Promise<Browser> {
  return launchChromium(inject('chromiumProgram'), flags)
}
