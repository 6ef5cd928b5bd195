import { inject } from 'vitest'
import type { PythonProgram } from '../../../infra/services/install-python.js'
import { run } from '../../../infra/services/run.js'
import type { TerraformDiscovery } from '../../../infra/services/terraform.js'

/** Runs a program to its end with these arguments, and gives what it prints. */
export type Docker = (...args: string[]) => Promise<string>

/** Whether there is an engine at all; the set-up says so loudly where there is none. */
export const hasEngine = (): boolean => inject('dockerEngine') !== ''

export const hasCompose = (): boolean => inject('composeCommand').length > 0

/** `docker`, against the engine of this run. */
export const docker: Docker = (...args) => run('docker', args, { env: engineEnvironment() })

export const removeImage = (name: string): Promise<unknown> =>
  docker('rmi', '--force', name).catch(() => {})

/** Compose for the project of that name, with these variables. */
export function compose(project: string, env: Readonly<Record<string, string>>): Docker {
  const [program = '', ...first] = inject('composeCommand')
  const environment = { ...engineEnvironment(), ...env }
  return (...args) => run(program, [...first, '-p', project, ...args], { env: environment })
}

function engineEnvironment(): Record<string, string> {
  return JSON.parse(inject('dockerEngine'))
}

declare module 'vitest' {
  export interface ProvidedContext {
    /** The environment of `docker`, as JSON; empty where there is no engine. */
    dockerEngine: string
    composeCommand: readonly string[]
    /** In the names of all that is made. */
    runId: string
    kubernetesValidate: PythonProgram | undefined
    terraform: Extract<TerraformDiscovery, { kind: 'found' }> | undefined
  }
}
