import {
  installPythonProgram,
  type PythonInstallOptions,
  type PythonProgram,
} from './install-python.js'

const SCHEMATHESIS = { name: 'schemathesis', version: '4.32.5', module: 'schemathesis.cli' }

/** What fuzzes an API from its OpenAPI document (https://schemathesis.readthedocs.io). Rejects if it cannot be had. */
export const findSchemathesis = (options: PythonInstallOptions): Promise<PythonProgram> =>
  installPythonProgram(SCHEMATHESIS, options)
