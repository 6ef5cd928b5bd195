import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ExampleCopy } from './example-copy.js'
import { bundleReactExample, copyReactExample } from './react-vite-bundle.js'

const run = promisify(execFile)
const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))

describe('examples/react-vite', () => {
  let example: ExampleCopy

  beforeAll(async () => {
    example = await copyReactExample()
  })
  afterAll(() => example.remove())

  it('fits the types of the package', async () => {
    const outcome = run(process.execPath, [TSC, '-p', example.folder])
    await expect(outcome).resolves.toEqual({ stdout: '', stderr: '' })
  })

  it('bundles for a page, without Node', async () => {
    const { metafile } = await bundleReactExample(example)
    const files = Object.entries(metafile.inputs)
    expect(files.some(([file]) => file.endsWith('dist/react/use-upload.js'))).toBe(true)
    const imported = files.flatMap(([, { imports }]) => imports.map(({ path }) => path))
    expect(imported.filter((path) => path.startsWith('node:'))).toEqual([])
  })
})
