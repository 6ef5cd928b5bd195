import { setImmediate } from 'node:timers/promises'
import express, { type Request, type Response } from 'express'
import type * as z from 'zod/mini'
import { fieldRefusal, UploadError } from '../coordinator/upload-error.js'
import { type Camel, type FieldError, parseMessage, S3_LIMITS } from '../protocol/index.js'
import { parseJson } from './json-text.js'

/** Errors that one reply names. A client has use for the first few, not for 10,000. */
const MAX_ERRORS = 20

/** Resolves when `req.body` is there; rejects with an error of body-parser or an `UploadError`. */
export type BodyReader = (req: Request, res: Response) => Promise<void>

/** Reads a JSON body of at most `limit` bytes. Compressed bodies are refused: a bomb is one of them. */
export function jsonBody(limit: number): BodyReader {
  const read = express.raw({ type: 'application/json', inflate: false, limit })
  return async (req, res) => {
    // `null` says that there is no body; then the schema tells what is missing.
    if (req.is('application/json') === false) {
      throw new UploadError('UNSUPPORTED_MEDIA_TYPE', 'Content-Type must be application/json')
    }
    const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(req.get('Content-Type') ?? '')?.[1]
    if (charset !== undefined && charset.toLowerCase() !== 'utf-8') {
      throw new UploadError('UNSUPPORTED_MEDIA_TYPE', 'The body must be UTF-8')
    }
    await new Promise<void>((resolve, reject) => {
      read(req, res, (error?: unknown) => (error === undefined ? resolve() : reject(error)))
    })
    // A host application may have parsed it before us.
    if (req.body instanceof Uint8Array) req.body = parsedBody(req.body)
  }
}

function parsedBody(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined
  const outcome = parseJson(bytes)
  switch (outcome.kind) {
    case 'ok':
      return outcome.value
    case 'malformed':
      throw new UploadError('MALFORMED_JSON', 'The body is not valid JSON')
    case 'too-complex':
      throw new UploadError('INVALID_REQUEST', 'The body has too many items, or too deep ones')
    case 'bad-name': {
      const words = 'An object in the body has a name twice, or the name __proto__'
      throw new UploadError('INVALID_REQUEST', words)
    }
  }
}

/** Reads nothing: for routes without a body. */
export const noBody: BodyReader = async () => {}

/**
 * The body as a message, or `INVALID_REQUEST`. To check 10,000 parts takes some 20 ms, so what comes
 * after it gets a turn of its own on the event loop.
 */
export async function bodyOf<S extends z.ZodMiniType>(
  req: Request,
  schema: S,
): Promise<Camel<z.output<S>>> {
  const body: unknown = req.body
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new UploadError('INVALID_REQUEST', 'The body must be a JSON object')
  }
  refuseLongArrays(body)
  const message = parsed(schema, body)
  await setImmediate()
  return message
}

/** The query. Read from the URL, whatever parser the app has set. */
export function queryIn(req: Request): URLSearchParams {
  return new URLSearchParams(req.url.split('?').slice(1).join('?'))
}

/** The query as a message, or `INVALID_REQUEST`. */
export function queryOf<S extends z.ZodMiniType>(req: Request, schema: S): Camel<z.output<S>> {
  const query = queryIn(req)
  for (const name of query.keys()) {
    if (query.getAll(name).length > 1) {
      throw fieldRefusal('INVALID_REQUEST', name, 'must be given once')
    }
  }
  return parsed(schema, Object.fromEntries(query))
}

// Before the schema, which would look at every item: 4 MiB have room for a million empty ones.
function refuseLongArrays(body: object): void {
  for (const [name, value] of Object.entries(body)) {
    if (Array.isArray(value) && value.length > S3_LIMITS.maxParts) {
      throw fieldRefusal(
        'INVALID_REQUEST',
        name,
        `must have at most ${S3_LIMITS.maxParts} items, but has ${value.length}`,
      )
    }
  }
}

function parsed<S extends z.ZodMiniType>(schema: S, input: unknown): Camel<z.output<S>> {
  const outcome = parseMessage(schema, input)
  if (outcome.kind === 'ok') return outcome.value
  const errors = outcome.errors.slice(0, MAX_ERRORS)
  throw new UploadError('INVALID_REQUEST', errors.map(sentence).join('; '), { errors })
}

function sentence({ field, message }: FieldError): string {
  return `${field} ${message.replace(/^Invalid input: /, '')}`
}
