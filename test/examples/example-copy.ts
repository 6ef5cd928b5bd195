import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface ExampleCopy {
  readonly folder: string
  remove(): Promise<void>
}

/**
 * An example in a folder of its own, where `partway` is this repository and `packages` are those that are
 * installed here: what `npm install` in the example would come to, without a registry.
 */
export async function copyExample(name: string, packages: readonly string[]): Promise<ExampleCopy> {
  const folder = await mkdtemp(join(tmpdir(), 'partway-example-'))
  await cp(join(ROOT, 'examples', name), folder, {
    recursive: true,
    filter: (source) => !/[\\/](node_modules|dist|\.env|\.partway)$/.test(source),
  })
  await link(ROOT, join(folder, 'node_modules', 'partway'))
  for (const one of packages) {
    await link(join(ROOT, 'node_modules', one), join(folder, 'node_modules', one))
  }
  return { folder, remove: () => rm(folder, { recursive: true }) }
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await symlink(target, path, 'junction')
}
