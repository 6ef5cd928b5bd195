import { PassThrough, type Readable } from 'node:stream'
import busboy, { type Busboy } from 'busboy'
import type { Request } from 'express'
import { wrongSize } from '../coordinator/checked-part.js'
import { fieldRefusal, UploadError } from '../coordinator/upload-error.js'

export interface PartFormOptions {
  /** Bytes that the file should have. */
  readonly size: number
  /** In which all of the body must have come. */
  readonly timeoutMs: number
  /** In which some of it must come, while it is asked for. */
  readonly idleMs: number
}

const FIELD = 'file'
/** Bytes of the body besides those of the file: its delimiters and headers, and what else nobody asked for. */
const FORM_ROOM = 64 * 1024

/** To busboy, what ends a part is the beginning of another. */
const LIMITS = { files: 1, fields: 0, parts: 2, headerPairs: 20 }

/** Refuses what is no form, before anything of it is read. */
export function requireForm(req: Request): void {
  if (!req.is('multipart/form-data')) {
    throw new UploadError('UNSUPPORTED_MEDIA_TYPE', 'Content-Type must be multipart/form-data')
  }
  const encoding = req.get('Content-Encoding') ?? 'identity'
  if (encoding.toLowerCase() !== 'identity') {
    throw new UploadError('UNSUPPORTED_MEDIA_TYPE', 'The body must not be compressed')
  }
}

/**
 * The bytes of the one file in the form that is the body (RFC 7578), read from the connection no faster than they are
 * taken. They end only when the form has ended and had nothing else in it; otherwise the stream fails with an
 * `UploadError`. Whoever has read enough destroys the stream. Throws when the body is of a wrong size by what its
 * headers say.
 */
export function fileInForm(req: Request, options: PartFormOptions): Readable {
  const { size } = options
  const announced = req.get('Content-Length')
  if (announced !== undefined && !isPlausible(Number(announced), size)) throw wrongSize(size)
  const form = newForm(req)
  const file = new PassThrough()
  const fail = (error: Error) => file.destroy(error)
  const stopWatching = watchBody(req, { ...options, form, fail })
  const onClose = () => {
    if (!req.complete) fail(new UploadError('INVALID_REQUEST', 'The body broke off'))
  }
  takeFile(form, file, fail)
  req.once('close', onClose)
  // Whoever reads it hears of its failure; there may be nobody yet.
  file.on('error', () => {})
  file.once('close', () => {
    stopWatching()
    req.off('close', onClose)
    req.unpipe(form)
    form.destroy()
  })
  req.pipe(form)
  return file
}

function isPlausible(length: number, size: number): boolean {
  return length > size && length <= size + FORM_ROOM
}

function newForm(req: Request): Busboy {
  try {
    return busboy({
      headers: req.headers,
      limits: LIMITS,
    })
  } catch (cause) {
    throw malformed(cause)
  }
}

function malformed(cause?: unknown): UploadError {
  const words = 'The body is not valid multipart/form-data'
  return new UploadError('INVALID_REQUEST', words, { cause })
}

function takeFile(form: Busboy, file: PassThrough, fail: (error: Error) => void): void {
  let isThere = false
  const notAlone = () =>
    fail(fieldRefusal('INVALID_REQUEST', FIELD, 'must be all that is in the form'))
  form.on('file', (name, bytes) => {
    bytes.on('error', (cause) => fail(malformed(cause)))
    if (name !== FIELD) {
      fail(
        fieldRefusal(
          'INVALID_REQUEST',
          name || FIELD,
          `is not known: the file must be in "${FIELD}"`,
        ),
      )
      bytes.resume()
      return
    }
    isThere = true
    bytes.pipe(file, { end: false })
  })
  form.on('fieldsLimit', () =>
    fail(fieldRefusal('INVALID_REQUEST', FIELD, 'must be a file, and all that is in the form')),
  )
  form.on('partsLimit', notAlone)
  form.on('filesLimit', notAlone)
  form.on('error', (cause) => fail(malformed(cause)))
  form.on('close', () => {
    if (file.destroyed) return
    if (isThere) file.end()
    else fail(fieldRefusal('INVALID_REQUEST', FIELD, 'is required'))
  })
}

interface Watched extends PartFormOptions {
  readonly form: Busboy
  readonly fail: (error: Error) => void
}

/** Limits how long the body is, and how long it takes. Gives what ends that. */
function watchBody(req: Request, { size, timeoutMs, idleMs, form, fail }: Watched): () => void {
  let length = 0
  const tooSlow = () => fail(new UploadError('BODY_TOO_SLOW', 'The part did not arrive in time'))
  const whole = setTimeout(tooSlow, timeoutMs)
  const idle = setTimeout(() => {
    // It is the bucket that keeps the client waiting.
    if (form.writableNeedDrain) idle.refresh()
    else tooSlow()
  }, idleMs)
  const onData = (bytes: Buffer) => {
    length += bytes.length
    idle.refresh()
    if (length > size + FORM_ROOM) fail(wrongSize(size))
  }
  const stop = () => {
    clearTimeout(whole)
    clearTimeout(idle)
    req.off('data', onData).off('end', stop)
  }
  req.on('data', onData).once('end', stop)
  return stop
}
