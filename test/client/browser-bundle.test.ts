import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, it } from 'vitest'

const path = (relative: string) => fileURLToPath(new URL(`../../src/${relative}`, import.meta.url))

/** Everything that a page gets which imports `entry`, lazily or not. */
async function modulesOf(entry: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [path(entry)],
    ...{ bundle: true, format: 'esm', platform: 'browser', write: false, metafile: true },
    external: ['node:*', 'react'],
    logLevel: 'silent',
  })
  return Object.entries(metafile.inputs).flatMap(([file, { imports }]) => [
    file,
    ...imports.map((one) => one.path),
  ])
}

it.each([
  'client/index.ts',
  'client/browser/hash-worker.ts',
  'react/index.ts',
  'protocol/index.ts',
])('src/%s and all that it imports run without Node', async (entry) => {
  const modules = await modulesOf(entry)
  expect(modules.some((one) => one.endsWith(entry))).toBe(true)
  expect(modules.filter((one) => one.startsWith('node:') || one.includes('client/node'))).toEqual(
    [],
  )
})

it('would find Node where it is', async () => {
  const modules = await modulesOf('client/node.ts')
  expect(modules).toContain('node:fs/promises')
})
