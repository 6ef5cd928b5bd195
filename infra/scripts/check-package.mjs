// Proves the package as a stranger gets it: packed, installed elsewhere without install scripts, every
// subpath of `exports` imported, the program run, and `partway` by itself free of what is not asked for.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const { name, version, exports, bin, devDependencies } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
)

/** What `import 'partway'` must not load: the adapters are asked for by their own subpaths. */
const NOT_BY_ITSELF = ['ioredis', 'libsql', 'express', 'react', 'prom-client', '@opentelemetry/api']

const LOADER = `
let port
export const initialize = (data) => { port = data.port }
export async function resolve(specifier, context, next) {
  const resolved = await next(specifier, context)
  port.postMessage(resolved.url)
  return resolved
}`

const PROBE = `
import { register } from 'node:module'
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
const { port1, port2 } = new MessageChannel()
const loader = 'data:text/javascript,' + encodeURIComponent(${JSON.stringify(LOADER)})
register(loader, { data: { port: port2 }, transferList: [port2] })
await import(process.argv[2])
const urls = []
for (let one = receiveMessageOnPort(port1); one; one = receiveMessageOnPort(port1)) urls.push(one.message)
port1.close()
process.stdout.write(JSON.stringify(urls))`

const folder = mkdtempSync(join(tmpdir(), 'partway-package-'))
const run = (command, ...args) => execFileSync(command, args, { cwd: folder, encoding: 'utf8' })
const assert = (truth, message) => {
  if (!truth) throw new Error(message)
}

/** The packages of which something was loaded by importing `specifier`, in a process of its own. */
function packagesLoadedBy(specifier) {
  const urls = JSON.parse(run(process.execPath, 'probe.mjs', specifier))
  const found = urls.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? [])
  return new Set(found)
}

try {
  execFileSync('npm', ['pack', '--pack-destination', folder], { cwd: root, stdio: 'ignore' })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }))
  const packages = [`./${name}-${version}.tgz`, `react@${devDependencies.react}`]
  run('npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages)
  writeFileSync(join(folder, 'probe.mjs'), PROBE)

  for (const subpath of Object.keys(exports).filter((one) => one !== './package.json')) {
    const specifier = join(name, subpath)
    const loaded = packagesLoadedBy(specifier)
    assert(loaded.has(name), `importing ${specifier} loads nothing of ${name}`)
    console.log(`import '${specifier}' works`)
    if (subpath !== '.') continue
    const unasked = NOT_BY_ITSELF.filter((one) => loaded.has(one))
    assert(unasked.length === 0, `import '${name}' loads ${unasked}`)
  }
  execFileSync(process.execPath, ['infra/scripts/check-size.mjs'], { cwd: root, stdio: 'inherit' })
  // The probe must be able to see what it reports as absent.
  const redis = packagesLoadedBy(`${name}/sessions/redis`)
  assert(redis.has('ioredis'), 'the probe does not see ioredis where it is loaded')

  for (const file of ['index.html', 'style.css', 'page.js']) {
    assert(
      existsSync(join(folder, 'node_modules', name, 'dist/page', file)),
      `the package has no ${file} of the page`,
    )
  }

  for (const program of Object.keys(bin)) {
    const text = run(join('node_modules', '.bin', program), '--version').trim()
    assert(text === version, `${program} --version says ${text}`)
    console.log(`${program} --version says ${text}`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
