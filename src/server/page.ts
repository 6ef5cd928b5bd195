import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import express, { type RequestHandler, type Router } from 'express'
import type { PartSigner } from '../coordinator/ports.js'
import { UploadError } from '../coordinator/upload-error.js'
import { contentPolicy } from '../http/headers.js'

export interface PageOptions {
  /** Where the page sends parts to: all that it may talk to besides this server. */
  readonly bucketOrigin: () => Promise<string>
}

/** What is served, by its path, and where it is in the built program. All addresses are relative. */
const FILES = {
  '/': 'page/index.html',
  '/page/style.css': 'page/style.css',
  '/page/icon.svg': 'page/icon.svg',
  '/page/page.js': 'page/page.js',
  '/page/partway-client.js': 'client/partway-client.js',
  '/page/partway-crc.js': 'client/partway-crc.js',
  '/page/partway-wasm.js': 'client/partway-wasm.js',
  '/page/hash-worker.js': 'client/hash-worker.js',
} as const

/** The page at `/`, with which a browser uploads. It asks no other host for anything but the bucket. */
export function createPageRouter({ bucketOrigin }: PageOptions): Router {
  const router = express.Router({ caseSensitive: true, strict: true })
  const policy: RequestHandler = async (req, res, next) => {
    await pagePolicy(await bucketOrigin())(req, res, next)
  }
  for (const [path, file] of Object.entries(FILES)) router.get(path, policy, builtFile(file))
  return router
}

/**
 * The origin of the URLs that the server signs, whatever the style of their addresses. Asked anew each
 * time: there may be no credentials yet to sign with.
 */
export async function originOfParts(signer: PartSigner): Promise<string> {
  const [part] = await signer.signParts({
    ...{ key: 'page', multipartId: 'page', checksum: 'none', expiresInSeconds: 1 },
    parts: [{ index: 1, size: 1 }],
  })
  if (part === undefined) throw new Error('no URL was signed')
  return new URL(part.url).origin
}

/** `wasm-unsafe-eval` lets WebAssembly be compiled, which hashes where WebCrypto cannot; no text is evaluated. */
function pagePolicy(bucketOrigin: string): RequestHandler {
  return contentPolicy({
    scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
    workerSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'", bucketOrigin],
  })
}

function builtFile(file: string): RequestHandler {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url))
  return (_req, res, next) => {
    if (!existsSync(path)) {
      throw new UploadError('ROUTE_NOT_FOUND', 'The page is not built here; run: npm run build')
    }
    // `dotfiles`: the package may be installed below a folder such as `.pnpm`.
    res.sendFile(path, { cacheControl: false, dotfiles: 'allow' }, next)
  }
}
