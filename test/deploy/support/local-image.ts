import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { findProgram } from '../../../infra/services/path.js'
import { run } from '../../../infra/services/run.js'
import type { Docker } from './docker.js'

export interface LocalImage {
  readonly name: string
  /** Names on PATH, or paths. They get into `/usr/bin`, with the libraries that they need. */
  readonly programs: readonly string[]
  /** Files that come into the image later and whose libraries are to be there. */
  readonly needed?: readonly string[]
  /** Further files or folders, by where they are to be. */
  readonly files?: Readonly<Record<string, string>>
  /** What is in the image as a link, and where that points. */
  readonly links?: Readonly<Record<string, string>>
  /** Instructions of a Dockerfile, such as `ENV …`. */
  readonly changes?: readonly string[]
  /** Where the programs find their libraries here. */
  readonly libraryPath?: string
}

/** An image of programs of this machine, so that no registry of images need be reachable. */
export async function makeImage(docker: Docker, image: LocalImage): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'partway-image-'))
  const root = join(scratch, 'root')
  try {
    await skeleton(root)
    for (const program of image.programs) await addProgram(root, program, image.libraryPath)
    for (const file of image.needed ?? []) await addLibraries(root, file)
    for (const [target, source] of Object.entries(image.files ?? {})) {
      await add(source, join(root, target))
    }
    for (const [link, target] of Object.entries(image.links ?? {})) {
      await symlink(target, join(root, link))
    }
    const archive = join(scratch, 'root.tar')
    await run('tar', ['--owner=0', '--group=0', '--numeric-owner', '-cf', archive, '-C', root, '.'])
    const changes = (image.changes ?? []).flatMap((change) => ['--change', change])
    await docker('import', ...changes, archive, image.name)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Where Debian and its like keep things: `/bin` and `/lib` are links into `/usr`. */
async function skeleton(root: string): Promise<void> {
  for (const folder of ['usr/bin', 'usr/lib', 'usr/lib64', 'etc', 'root']) {
    await mkdir(join(root, folder), { recursive: true })
  }
  for (const name of ['bin', 'lib', 'lib64']) await symlink(`usr/${name}`, join(root, name))
  await mkdir(join(root, 'tmp'))
  await run('chmod', ['1777', join(root, 'tmp')])
  await writeFile(
    join(root, 'etc/passwd'),
    'root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/tmp:/bin/sh\n',
  )
}

async function addProgram(root: string, program: string, libraryPath?: string): Promise<void> {
  const path = program.includes('/') ? program : await findProgram(program, process.env.PATH ?? '')
  if (path === undefined) throw new Error(`there is no ${program} on PATH`)
  await add(path, join(root, 'usr/bin', program.split('/').at(-1) ?? ''))
  await addLibraries(root, path, libraryPath)
}

async function addLibraries(root: string, path: string, libraryPath = ''): Promise<void> {
  for (const library of await librariesOf(path, libraryPath)) {
    await add(library, join(root, library))
  }
}

/** None of a program that is linked statically. */
async function librariesOf(path: string, libraryPath: string): Promise<string[]> {
  const env = libraryPath === '' ? {} : { LD_LIBRARY_PATH: libraryPath }
  const listed = await run('ldd', [path], { env }).catch(() => '')
  return [...listed.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, file = '']) => file)
}

async function add(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true })
  await cp(await realpath(source), target, { recursive: true, verbatimSymlinks: true, force: true })
}
