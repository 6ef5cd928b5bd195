// The client as a page loads it without a bundler: dist/client/partway-client.js, one ES module, and beside
// it what it loads only where it must: the worker and the wasm that hash where WebCrypto cannot, and what combines CRCs.
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../../', import.meta.url))
const LAZY = {
  wasm: './partway-wasm.js',
  'worker-hasher': './partway-hasher.js',
  'crc-combine': './partway-crc.js',
}

/** Leaves `import('…/wasm.js')` and its like as an import of the file that is built of it. */
const lazy = {
  name: 'lazy',
  setup({ onResolve }) {
    onResolve({ filter: /\/(wasm|worker-hasher|crc-combine)\.js$/ }, ({ path, kind }) =>
      kind === 'entry-point' ? undefined : { path: LAZY[basename(path, '.js')], external: true },
    )
  },
}

const bundle = (entry, out) =>
  build({
    absWorkingDir: root,
    entryPoints: { [out]: `dist/client/${entry}` },
    outdir: 'dist/client',
    allowOverwrite: true,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    sourcemap: true,
    legalComments: 'none',
    logLevel: 'warning',
    plugins: [lazy],
  })

await bundle('../checksum/wasm.js', 'partway-wasm')
await bundle('../checksum/crc-combine.js', 'partway-crc')
await bundle('browser/worker-hasher.js', 'partway-hasher')
await bundle('browser/hash-worker.js', 'hash-worker')
await bundle('index.js', 'partway-client')
