import { type Browser, chromium } from 'playwright-core'

export const CHROMIUM_FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

/** Chromium without a window. Each context of it has a fresh profile. */
export function launchChromium(
  executablePath: string,
  flags: readonly string[] = [],
): Promise<Browser> {
  const args = [...CHROMIUM_FLAGS, ...flags]
  return chromium.launch({ executablePath, headless: true, args })
}
