import { join } from 'node:path'
import { type BuildResult, build } from 'esbuild'
import { copyExample, type ExampleCopy } from './example-copy.js'

/** `examples/react-vite`, with the packages that its code needs. */
export function copyReactExample(): Promise<ExampleCopy> {
  return copyExample('react-vite', ['react', 'react-dom', '@types/react', '@types/react-dom'])
}

/** All of its code as one script for a page, and what that was made of. */
export function bundleReactExample({
  folder,
}: ExampleCopy): Promise<BuildResult<{ write: false; metafile: true }>> {
  return build({
    entryPoints: [join(folder, 'src/main.tsx')],
    ...{ bundle: true, format: 'esm', platform: 'browser', write: false, metafile: true },
    ...{ jsx: 'automatic', external: ['node:*'], logLevel: 'silent' },
  })
}
