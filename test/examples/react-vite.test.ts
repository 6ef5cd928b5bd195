import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { copyExample, type ExampleCopy } from './example-copy.js'

const run = promisify(execFile)
const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))
const PACKAGES = ['react', 'react-dom', '@types/react', '@types/react-dom']

describe('examples/react-vite', () => {
  let example: ExampleCopy

  beforeAll(async () => {
    example = await copyExample('react-vite', PACKAGES)
  })
  afterAll(() => example.remove())

  it('fits the types of the package', async () => {
    const outcome = run(process.execPath, [TSC, '-p', example.folder])
    await expect(outcome).resolves.toEqual({ stdout: '', stderr: '' })
  })

  it('bundles for a page, without Node', async () => {
    const { metafile } = await build({
      entryPoints: [join(example.folder, 'src/main.tsx')],
      ...{ bundle: true, format: 'esm', platform: 'browser', write: false, metafile: true },
      ...{ jsx: 'automatic', external: ['node:*'], logLevel: 'silent' },
    })
    const files = Object.entries(metafile.inputs)
    expect(files.some(([file]) => file.endsWith('dist/react/use-upload.js'))).toBe(true)
    const imported = files.flatMap(([, { imports }]) => imports.map(({ path }) => path))
    expect(imported.filter((path) => path.startsWith('node:'))).toEqual([])
  })
})
