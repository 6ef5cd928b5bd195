import { randomUUID } from 'node:crypto'
import type { TestProject } from 'vitest/node'
import { findDockerEngine } from '../../../infra/services/docker-engine.js'
import { type Missing, missingNotice } from '../../../infra/services/report.js'
import { findTerraform } from '../../../infra/services/terraform.js'

const log = (line: string) => console.error(`[deploy] ${line}`)

/**
 * Finds what the tests need: a Docker engine, compose, Terraform. Unlike the services these cannot be had on every
 * machine, so what is missing is announced, and its tests are shown as skipped, also where `CI` is set.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { env } = process
  const path = env.PATH ?? ''
  const mayStart = process.getuid?.() === 0 && Boolean(env.CI)
  const found = await findDockerEngine({ path, mayStart, log })
  const terraform = await findTerraform({ env, path })
  const engine = found.kind === 'found' ? found.engine : undefined
  const missing = [
    ...(found.kind === 'missing' ? [missingEngine(found.attempts)] : []),
    ...(engine !== undefined && engine.compose === undefined ? [MISSING_COMPOSE] : []),
    ...(terraform.kind === 'missing' ? [missingTerraform(terraform.reason)] : []),
  ]
  if (missing.length > 0) console.error(missingNotice(missing))
  project.provide('dockerEngine', engine === undefined ? '' : JSON.stringify(engine.env))
  project.provide('composeCommand', engine?.compose ?? [])
  project.provide('runId', randomUUID().slice(0, 8))
  project.provide('terraform', terraform.kind === 'found' ? terraform : undefined)
  return async () => engine?.stop()
}

function missingEngine(attempts: Missing['attempts']): Missing {
  return { title: 'Docker engine', attempts, advice: 'Start Docker' }
}

const MISSING_COMPOSE: Missing = {
  title: 'docker compose',
  attempts: [],
  advice: 'Install the plugin of Docker, or docker-compose',
}

function missingTerraform(reason: string): Missing {
  const attempts = [{ way: 'terraform', reason }]
  const advice =
    'Put terraform on PATH, and name a folder of providers by PARTWAY_TEST_TERRAFORM_PLUGINS'
  return { title: 'Terraform', attempts, advice }
}
