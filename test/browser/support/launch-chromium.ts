import { type Browser, chromium } from 'playwright-core'

/** How long a test waits for what a page must come to, in ms: a crowded machine takes long for little. */
export const PATIENCE_MS = 90_000

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
