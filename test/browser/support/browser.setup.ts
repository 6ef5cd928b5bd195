import type { TestProject } from 'vitest/node'
import { findChromium } from '../../../infra/services/chromium.js'
import { findServices } from '../../../infra/services/find-services.js'
import { type Missing, missingNotice } from '../../../infra/services/report.js'

const log = (line: string) => console.error(`[services] ${line}`)

/** Finds the browser and the bucket once for the whole run. What it returns is the tear-down. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { env } = process
  const isRoot = process.getuid?.() === 0
  const [services, browser] = await Promise.all([
    findServices({ want: ['minio'], log }),
    findChromium({ env, isRoot, log }),
  ])
  const missing: Missing[] = [...services.missing]
  if (browser.kind === 'missing') missing.push({ title: 'Chromium', ...browser })
  if (missing.length > 0) {
    console.error(missingNotice(missing))
    if (!['', '0', 'false'].includes(env.CI ?? '')) {
      await services.stop()
      throw new Error('CI is set, so that nothing goes untested unnoticed: see the notice above')
    }
  }
  project.provide('minioUrl', services.urls.minio ?? '')
  project.provide('chromiumProgram', browser.kind === 'found' ? browser.program : '')
  return () => services.stop()
}
