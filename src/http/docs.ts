import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import express, { type RequestHandler, type Router } from 'express'
import { UploadError } from '../coordinator/upload-error.js'
import { DOCS_PAGE, DOCS_SCRIPT } from './docs-page.js'
import { errorHandler, type FaultLog } from './error-handler.js'
import { commonHeaders, contentPolicy } from './headers.js'
import { openApiDocument } from './openapi.js'

export interface DocsOptions {
  /** Version of the API to show. */
  readonly version: string
  readonly log?: FaultLog
}

/** Swagger UI shows icons from `data:` addresses; everything else comes from this server. */
const docsPolicy = contentPolicy({
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  connectSrc: ["'self'"],
})

/** `GET /openapi.json`, and Swagger UI at `/docs`. The page asks no other host for anything. */
export function createDocsRouter({ version, log }: DocsOptions): Router {
  const router = express.Router({ caseSensitive: true, strict: true })
  const document = JSON.stringify(openApiDocument(version))
  const get = (path: string, answer: RequestHandler) =>
    router.get(path, commonHeaders(), docsPolicy, answer)
  get('/openapi.json', text('application/json', document))
  get('/docs', text('text/html', DOCS_PAGE))
  get('/docs/init.js', text('text/javascript', DOCS_SCRIPT))
  get('/docs/swagger-ui.css', asset('swagger-ui.css'))
  get('/docs/swagger-ui-bundle.js', asset('swagger-ui-bundle.js'))
  router.use(errorHandler(log))
  return router
}

function text(type: string, body: string): RequestHandler {
  return (_req, res) => {
    res.type(type).send(body)
  }
}

function asset(name: string): RequestHandler {
  return (_req, res, next) => {
    const path = assetPath(name)
    if (path === undefined) {
      throw new UploadError('ROUTE_NOT_FOUND', `${name} of Swagger UI is not installed here`)
    }
    // `dotfiles`: the package may be installed below a folder such as `.pnpm`.
    res.sendFile(path, { cacheControl: false, dotfiles: 'allow' }, next)
  }
}

/** Beside this file when built; from the package `swagger-ui-dist` when run from source. */
function assetPath(name: string): string | undefined {
  const built = fileURLToPath(new URL(`./swagger-ui/${name}`, import.meta.url))
  if (existsSync(built)) return built
  try {
    return createRequire(import.meta.url).resolve(`swagger-ui-dist/${name}`)
  } catch {
    return undefined
  }
}
