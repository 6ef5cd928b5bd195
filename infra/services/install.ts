import { MINIO_MODULE, VERSITYGW_MODULE } from './catalogue.js'
import { installGoProgram } from './install-go.js'
import { installRedis, type RedisInstallOptions } from './install-redis.js'
import type { ServiceName, Way } from './service.js'
import { type Program, startProgram } from './start.js'

/** Installs the program of a service for the user, and starts it on a free port. */
export function installWay(options: RedisInstallOptions): Way {
  return {
    name: 'installation',
    find: async (service) => {
      const program = await install(service.name, options)
      return { kind: 'found', ...(await startProgram(service, program)) }
    },
  }
}

async function install(name: ServiceName, options: RedisInstallOptions): Promise<Program> {
  if (name === 'redis') return installRedis(options)
  const module = name === 'minio' ? MINIO_MODULE : VERSITYGW_MODULE
  return { path: await installGoProgram(module, options) }
}
