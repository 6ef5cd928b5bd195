import type { Page } from 'playwright-core'

declare global {
  interface Window {
    tellViolation(text: string): void
  }
}

/**
 * Collects what a page must not do: errors in its console, faults that nobody catches, requests to other
 * origins than those given, and whatever its policy refuses.
 */
export async function watchPage(page: Page, origins: readonly string[]): Promise<string[]> {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`)
  })
  page.on('pageerror', (error) => complaints.push(`fault: ${error.message}`))
  page.on('request', (request) => {
    const { origin } = new URL(request.url())
    if (!origins.includes(origin)) complaints.push(`request: ${origin}`)
  })
  await page.exposeFunction('tellViolation', (text: string) => {
    complaints.push(`policy: ${text}`)
  })
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      window.tellViolation(`${violatedDirective} ${blockedURI}`),
    )
  })
  return complaints
}
