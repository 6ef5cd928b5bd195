import { randomUUID } from 'node:crypto'
import type { TestProject } from 'vitest/node'
import { cacheFolder } from '../../../infra/services/cache.js'
import { findDockerEngine } from '../../../infra/services/docker-engine.js'
import type { PythonInstallOptions, PythonProgram } from '../../../infra/services/install-python.js'
import { findKubernetesValidate } from '../../../infra/services/kubernetes-validate.js'
import { type Missing, missingNotice } from '../../../infra/services/report.js'
import { findTerraform } from '../../../infra/services/terraform.js'

const log = (line: string) => console.error(`[deploy] ${line}`)

/**
 * Finds what the tests need: a Docker engine, compose, Terraform, schemas. Unlike the services these cannot be had on every
 * machine, so what is missing is announced, and its tests are shown as skipped, also where `CI` is set.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { env } = process
  const path = env.PATH ?? ''
  const mayStart = process.getuid?.() === 0 && Boolean(env.CI)
  const found = await findDockerEngine({ path, mayStart, log })
  const terraform = await findTerraform({ env, path })
  const schemas = await schemasOrMissing({ cache: cacheFolder(env), path, log })
  const engine = found.kind === 'found' ? found.engine : undefined
  const missing = [
    ...(found.kind === 'missing' ? [missingEngine(found.attempts)] : []),
    ...(engine !== undefined && engine.compose === undefined ? [MISSING_COMPOSE] : []),
    ...(terraform.kind === 'missing' ? [missingTerraform(terraform.reason)] : []),
    ...schemas.missing,
  ]
  if (missing.length > 0) console.error(missingNotice(missing))
  project.provide('dockerEngine', engine === undefined ? '' : JSON.stringify(engine.env))
  project.provide('composeCommand', engine?.compose ?? [])
  project.provide('runId', randomUUID().slice(0, 8))
  project.provide('terraform', terraform.kind === 'found' ? terraform : undefined)
  project.provide('kubernetesValidate', schemas.program)
  return async () => engine?.stop()
}

async function schemasOrMissing(
  options: PythonInstallOptions,
): Promise<{ program: PythonProgram | undefined; missing: Missing[] }> {
  try {
    return { program: await findKubernetesValidate(options), missing: [] }
  } catch (error) {
    const attempts = [{ way: 'installation', reason: String(error) }]
    const advice = 'Put Python 3.10 or later with pip on PATH'
    return { program: undefined, missing: [{ title: 'schemas of Kubernetes', attempts, advice }] }
  }
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
