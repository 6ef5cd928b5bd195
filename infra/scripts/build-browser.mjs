// The client as a page loads it without a bundler: dist/client/partway-client.js, one ES module, and beside
// it the worker that reads and hashes, and what is loaded only where it must be: the wasm that hashes where WebCrypto
// cannot, and what combines CRCs.
import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { minify } from 'terser'

const root = fileURLToPath(new URL('../../', import.meta.url))
const LAZY = { wasm: './partway-wasm.js', 'crc-combine': './partway-crc.js' }

/** Leaves `import('…/wasm.js')` and its like as an import of the file that is built of it. */
const lazy = {
  name: 'lazy',
  setup({ onResolve }) {
    onResolve({ filter: /\/(wasm|crc-combine)\.js$/ }, ({ path, kind }) =>
      kind === 'entry-point' ? undefined : { path: LAZY[basename(path, '.js')], external: true },
    )
  },
}

async function bundle(entry, out) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { [out]: `dist/client/${entry}` },
    outdir: 'dist/client',
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    sourcemap: 'external',
    legalComments: 'none',
    logLevel: 'warning',
    plugins: [lazy],
    write: false,
  })
  const [map, script] = ['.js.map', '.js'].map((end) => textOf(outputFiles, end))
  // What esbuild has made small, terser makes smaller by another 3 % of what a page loads.
  const { code, map: ownMap } = await minify(script, {
    module: true,
    ecma: 2020,
    compress: { passes: 2 },
    sourceMap: { content: map, url: `${out}.js.map` },
  })
  writeFileSync(join(root, `dist/client/${out}.js`), code)
  writeFileSync(join(root, `dist/client/${out}.js.map`), ownMap)
}

function textOf(files, end) {
  return files.find(({ path }) => path.endsWith(end)).text
}

await bundle('../checksum/wasm.js', 'partway-wasm')
await bundle('../checksum/crc-combine.js', 'partway-crc')
await bundle('browser/hash-worker.js', 'hash-worker')
await bundle('index.js', 'partway-client')
