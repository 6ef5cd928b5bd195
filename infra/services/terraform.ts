import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from './path.js'

export type TerraformDiscovery =
  | { readonly kind: 'found'; readonly program: string; readonly plugins: string | undefined }
  | { readonly kind: 'missing'; readonly reason: string }

export interface FindTerraformOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly path: string
}

/** Where a mirror of providers may lie that Terraform does not look into by itself. */
const MIRRORS_IN = '/opt'
const REGISTRY_MS = 5_000
const HOST = 'registry.terraform.io'

/**
 * Terraform, and a folder that has its providers: the one that `PARTWAY_TEST_TERRAFORM_PLUGINS` names, or one in
 * `/opt`. Without such a folder Terraform asks the registry.
 */
export async function findTerraform({
  env,
  path,
}: FindTerraformOptions): Promise<TerraformDiscovery> {
  const program = await findProgram('terraform', path)
  if (program === undefined) return { kind: 'missing', reason: 'no terraform on PATH' }
  const plugins = env.PARTWAY_TEST_TERRAFORM_PLUGINS || (await mirror())
  if (plugins === undefined && !(await registryAnswers())) {
    return { kind: 'missing', reason: 'no folder of providers, and the registry does not answer' }
  }
  return { kind: 'found', program, plugins }
}

async function registryAnswers(): Promise<boolean> {
  const discovery = `https://${HOST}/.well-known/terraform.json`
  return fetch(discovery, { signal: AbortSignal.timeout(REGISTRY_MS) }).then(
    (reply) => reply.ok,
    () => false,
  )
}

async function mirror(): Promise<string | undefined> {
  for (const name of await readdir(MIRRORS_IN).catch((): string[] => [])) {
    const folder = join(MIRRORS_IN, name)
    const entries = await readdir(folder).catch((): string[] => [])
    if (entries.includes(HOST)) return folder
  }
  return undefined
}
