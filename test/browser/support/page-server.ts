import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const DIST = '../../../dist/client/'
/** Script by path of the page: the client as it is built, the React hook in an app of its own, and what is measured. */
const PAGES: Readonly<Record<string, string>> = {
  '/': 'page',
  '/react': 'react-page',
  '/bench': 'bench-page',
}

const html = (script: string) =>
  `<!doctype html><html lang="en"><title>loading</title><main></main><script type="module" src="/${script}.js"></script></html>`

export interface PageServer {
  readonly origin: string
  stop(): Promise<void>
}

/** Serves the page under test and the built client as a page loads it, from an origin of their own, at that host name. */
export async function servePage(host = '127.0.0.1'): Promise<PageServer> {
  const { outputFiles } = await build({
    entryPoints: Object.values(PAGES).map((page) => path(`${page}.ts`)),
    ...{ bundle: true, format: 'esm', platform: 'browser', target: 'es2022', write: false },
    define: { 'process.env.NODE_ENV': '"development"' },
    outdir: '/',
  })
  const scripts = new Map(outputFiles.map(({ path: file, text }) => [file, text]))
  const server = createServer(async (req, res) => {
    const { pathname } = new URL(req.url ?? '/', 'http://page')
    const file = /^\/client\/([\w-]+\.js)$/.exec(pathname)?.[1]
    const page = PAGES[pathname]
    if (page !== undefined) return res.setHeader('content-type', 'text/html').end(html(page))
    res.setHeader('content-type', 'text/javascript')
    if (scripts.has(pathname)) return res.end(scripts.get(pathname))
    if (file === undefined) return res.writeHead(404).end()
    const built = await readFile(path(`${DIST}${file}`)).catch(() => undefined)
    if (built === undefined) return res.writeHead(404).end()
    return res.end(built)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://${host}:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
