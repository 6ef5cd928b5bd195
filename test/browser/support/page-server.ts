import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const DIST = '../../../dist/client/'
const HTML =
  '<!doctype html><html lang="en"><title>loading</title><script type="module" src="/page.js"></script></html>'

export interface PageServer {
  readonly origin: string
  stop(): Promise<void>
}

/** Serves the page under test and the built client as a page loads it, from an origin of their own. */
export async function servePage(): Promise<PageServer> {
  const page = await build({
    entryPoints: [path('page.ts')],
    ...{ bundle: true, format: 'esm', platform: 'browser', target: 'es2022', write: false },
  })
  const script = page.outputFiles?.[0]?.text ?? ''
  const server = createServer(async (req, res) => {
    const { pathname } = new URL(req.url ?? '/', 'http://page')
    const file = /^\/client\/([\w-]+\.js)$/.exec(pathname)?.[1]
    if (pathname === '/') return res.setHeader('content-type', 'text/html').end(HTML)
    res.setHeader('content-type', 'text/javascript')
    if (pathname === '/page.js') return res.end(script)
    if (file === undefined) return res.writeHead(404).end()
    const built = await readFile(path(`${DIST}${file}`)).catch(() => undefined)
    if (built === undefined) return res.writeHead(404).end()
    return res.end(built)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
