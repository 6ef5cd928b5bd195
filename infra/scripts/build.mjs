// The whole build: Lua into TypeScript, TypeScript into dist/, and the files of Swagger UI beside it.
// Swagger UI is only a devDependency, so that the telemetry it depends on never reaches a user.
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)
const path = (relative) => fileURLToPath(new URL(relative, root))
const node = (...args) => execFileSync(process.execPath, args, { cwd: path('.'), stdio: 'inherit' })

const SWAGGER_UI = [
  'swagger-ui.css',
  'swagger-ui-bundle.js',
  'swagger-ui-bundle.js.LICENSE.txt',
  'LICENSE',
  'NOTICE',
]

node('infra/scripts/build-lua.mjs')

// What was renamed or removed in src/ must not stay in the package.
rmSync(path('dist'), { recursive: true, force: true })
node('node_modules/typescript/bin/tsc')
node('infra/scripts/build-browser.mjs')
node('infra/scripts/build-page.mjs')

mkdirSync(path('dist/http/swagger-ui'), { recursive: true })
for (const name of SWAGGER_UI) {
  copyFileSync(path(`node_modules/swagger-ui-dist/${name}`), path(`dist/http/swagger-ui/${name}`))
}
chmodSync(path('dist/cli/main.js'), 0o755)
