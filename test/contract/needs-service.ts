import { it } from 'vitest'

/**
 * Registers the tests that need a real service. Without it one test is shown as skipped, with the reason
 * as its name; with `CI` set that test fails instead, so nothing goes untested unnoticed.
 */
export function needsService(name: string, url: string, tests: () => void): void {
  if (url !== '') {
    tests()
    return
  }
  const reason = `NOT TESTED: there is no ${name}, so nothing is known of this adapter`
  it(reason, ({ skip }) => {
    if (process.env.CI) throw new Error(reason)
    skip(reason)
  })
}
