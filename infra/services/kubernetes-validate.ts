import {
  installPythonProgram,
  type PythonInstallOptions,
  type PythonProgram,
} from './install-python.js'

const VALIDATOR = {
  name: 'kubernetes-validate',
  version: '1.37.0',
  module: 'kubernetes_validate',
}

/**
 * What knows the schemas of Kubernetes without asking a cluster (https://github.com/willthames/kubernetes-validate).
 * Rejects if it cannot be had.
 */
export const findKubernetesValidate = (options: PythonInstallOptions): Promise<PythonProgram> =>
  installPythonProgram(VALIDATOR, options)
