import { existsSync } from 'node:fs'
import { readdir, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder } from '../../../infra/services/cache.js'
import { MINIO_MODULE } from '../../../infra/services/catalogue.js'
import { installGoProgram } from '../../../infra/services/install-go.js'
import { installRedis } from '../../../infra/services/install-redis.js'
import { findMc } from '../../../infra/services/mc.js'
import { findProgram } from '../../../infra/services/path.js'
import { docker } from './docker.js'
import { makeImage } from './local-image.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'

const options = () => ({
  cache: cacheFolder(process.env),
  path: process.env.PATH ?? '',
  log: (line: string) => console.error(`[deploy] ${line}`),
})

/**
 * The image of the server, by the very Dockerfile. Its base is the one that `PARTWAY_TEST_NODE_IMAGE` names, or is made
 * of the programs of this machine.
 */
export async function buildServerImage(name: string): Promise<void> {
  const given = process.env.PARTWAY_TEST_NODE_IMAGE
  const base = given || `${name}-base`
  if (!given) await makeNodeImage(base)
  const file = ['--file', 'infra/docker/Dockerfile', '--build-arg', `BASE=${base}`]
  // npm's registry is reached as it is from this machine.
  await docker('build', ...file, '--network', 'host', '--tag', name, root)
}

async function makeNodeImage(name: string): Promise<void> {
  const npm = await findProgram('npm', options().path)
  if (npm === undefined) throw new Error('there is no npm on PATH')
  const certified = existsSync(CERTIFICATES)
  await makeImage(docker, {
    name,
    programs: [process.execPath, 'sh', 'env', 'mkdir', 'chown'],
    needed: await nativeModules(),
    files: {
      'usr/lib/node_modules/npm': dirname(dirname(await realpath(npm))),
      ...(certified && { [CERTIFICATES.slice(1)]: CERTIFICATES }),
    },
    links: { 'usr/bin/npm': '../lib/node_modules/npm/bin/npm-cli.js' },
    changes: certified ? [`ENV NODE_EXTRA_CA_CERTS=${CERTIFICATES}`] : [],
  })
}

/** What Node loads of SQLite, which needs more of the C library than Node itself. */
async function nativeModules(): Promise<string[]> {
  const folder = join(root, 'node_modules/@libsql')
  const names = await readdir(folder)
  return names
    .filter((name) => name.startsWith('linux-'))
    .map((name) => join(folder, name, 'index.node'))
}

/** MinIO and its client, with what `setup.sh` needs. */
export async function makeMinioImage(name: string): Promise<void> {
  const { path } = options()
  const minio =
    (await findProgram('minio', path)) ?? (await installGoProgram(MINIO_MODULE, options()))
  await makeImage(docker, {
    name,
    programs: [
      minio,
      await findMc(options()),
      'sh',
      'sed',
      'grep',
      'rm',
      'mktemp',
      'dirname',
      'cat',
    ],
    files: { 'opt/partway': `${root}infra/minio` },
    changes: [
      'CMD ["minio", "server", "--address", ":9000", "--console-address", ":9001", "/data"]',
    ],
  })
}

export async function makeRedisImage(name: string): Promise<void> {
  const isRoot = process.getuid?.() === 0
  const found = await findProgram('redis-server', options().path)
  const { path, env = {} } = found ? { path: found } : await installRedis({ ...options(), isRoot })
  const { LD_LIBRARY_PATH: libraryPath } = env
  await makeImage(docker, {
    name,
    programs: [path, `${dirname(path)}/redis-cli`],
    changes: ['WORKDIR /data', ...(libraryPath ? [`ENV LD_LIBRARY_PATH=${libraryPath}`] : [])],
    ...(libraryPath && { libraryPath }),
  })
}
