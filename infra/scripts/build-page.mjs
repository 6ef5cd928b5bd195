// The page that the server shows: dist/page/ with index.html, its style and one script. The client is not in
// that script: the page loads dist/client/partway-client.js, the very file that any other page would load.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../../', import.meta.url))

const client = {
  name: 'client',
  setup({ onResolve }) {
    onResolve({ filter: /\/client\/index\.js$/ }, () => ({
      path: './partway-client.js',
      external: true,
    }))
  },
}

// What tsc made of the modules is not needed beside the script that they are bundled into.
rmSync(`${root}dist/page`, { recursive: true, force: true })
mkdirSync(`${root}dist/page`, { recursive: true })
for (const name of ['index.html', 'style.css', 'icon.svg']) {
  copyFileSync(`${root}src/page/${name}`, `${root}dist/page/${name}`)
}
await build({
  absWorkingDir: root,
  entryPoints: { page: 'src/page/main.ts' },
  outdir: 'dist/page',
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  plugins: [client],
})
