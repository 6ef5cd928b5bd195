import { MINIO_MODULE, VERSITYGW_MODULE } from './catalogue.js'
import { installGoProgram } from './install-go.js'
import { installPackage, type PackageOptions, REDIS } from './install-package.js'
import type { ServiceName, Way } from './service.js'
import { type Program, startProgram } from './start.js'

/** Installs the program of a service for the user, and starts it on a free port. */
export function installWay(options: PackageOptions): Way {
  return {
    name: 'installation',
    find: async (service) => {
      const program = await install(service.name, options)
      return { kind: 'found', ...(await startProgram(service, program)) }
    },
  }
}

async function install(name: ServiceName, options: PackageOptions): Promise<Program> {
  if (name === 'redis') return installPackage(REDIS, options)
  const module = name === 'minio' ? MINIO_MODULE : VERSITYGW_MODULE
  return { path: await installGoProgram(module, options) }
}
