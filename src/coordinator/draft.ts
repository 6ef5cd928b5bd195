import {
  type ChecksumMode,
  cleanFilename,
  type InitRequest,
  isObjectDigest,
  type Layout,
  type LayoutLimits,
  layoutOf,
} from '../protocol/index.js'
import { admit, tooLarge } from './admission.js'
import { type Context, limitsOf } from './context.js'
import { type ContentIdentity, objectKey, stableUploadId } from './identity.js'
import type { Limits } from './limits.js'
import type { Caller } from './partway.js'
import type { UploadDraft } from './session.js'
import type { CoordinatorSettings } from './settings.js'
import { fieldRefusal } from './upload-error.js'

/** Turns a request into the upload it asks for, or refuses it. Nothing is stored or sent yet. */
export function draftOf(context: Context, caller: Caller, request: InitRequest): UploadDraft {
  const { settings } = context
  const filename = cleanFilename(request.filename)
  if (filename === undefined) {
    throw fieldRefusal('INVALID_REQUEST', 'filename', 'must be a file name of at most 255 bytes')
  }
  const limits = limitsOf(context, caller)
  const { contentType } = request
  admit(limits, { filename, size: request.size, ...(contentType !== undefined && { contentType }) })
  const layout = layoutFor(context, limits, request)
  const checksum = checksumFor(context, request)
  const { digest } = request
  const fileHash = request.fileHash?.toLowerCase()
  if (digest !== undefined && !isObjectDigest(checksum, digest, layout.totalChunks)) {
    throw fieldRefusal('INVALID_REQUEST', 'digest', digestRule(checksum, layout.totalChunks))
  }
  if (request.sign !== undefined && checksum !== 'none') {
    const rule = `needs checksum "none": with "${checksum}" a part's checksum is given when its URL is asked for`
    throw fieldRefusal('INVALID_REQUEST', 'sign', rule)
  }
  const content = contentIdentity(request)
  const identity = { owner: caller.owner, ...layout, filename, checksum }
  const id =
    content === undefined
      ? context.random.uploadId()
      : stableUploadId(context.secret, { ...identity, content })
  return {
    id,
    owner: caller.owner,
    filename,
    ...layout,
    checksum,
    key: objectKey(settings.keyPrefix, id, filename),
    ...(request.contentType === undefined ? {} : { contentType: request.contentType }),
    ...(request.metadata === undefined ? {} : { metadata: request.metadata }),
    ...(digest === undefined ? {} : { digest }),
    ...(fileHash === undefined ? {} : { fileHash }),
    createdAt: context.clock.now(),
  }
}

/** In words, what `digest` must look like. */
export function digestRule(checksum: UploadDraft['checksum'], totalChunks: number): string {
  if (checksum === 'md5' || checksum === 'none') return `does not exist with checksum "${checksum}"`
  if (checksum !== 'sha256') return `must be the base64 of the whole file's ${checksum}`
  return `must be the composite SHA-256 as S3 writes it: base64, then "-${totalChunks}" for the parts`
}

/**
 * The mode asked for, else the one that the server is set to, else the strongest there is. One that the
 * bucket does not check is refused, never weakened in silence: its value would prove nothing.
 */
function checksumFor({ settings, capabilities }: Context, request: InitRequest): ChecksumMode {
  const { modes } = capabilities()
  const [strongest = 'none'] = modes
  const checksum = request.checksum ?? settings.defaultChecksum ?? strongest
  if (modes.includes(checksum)) return checksum
  const rule = `must be one of ${modes.join(', ')}: the bucket does not check "${checksum}"`
  throw fieldRefusal('INVALID_REQUEST', 'checksum', rule)
}

function layoutFor({ settings }: Context, limits: Limits, request: InitRequest): Layout {
  const outcome = layoutOf(request.size, request.chunkSize, layoutLimits(settings, limits))
  switch (outcome.kind) {
    case 'ok':
      return outcome.layout
    case 'too-large':
      throw tooLarge(request.size, outcome.maxSize)
    case 'chunk-too-small': {
      const rule = `must be at least ${outcome.minChunkSize} bytes for a file of ${request.size} bytes`
      const details = { minChunkSize: outcome.minChunkSize }
      throw fieldRefusal('INVALID_CHUNK_SIZE', 'chunk_size', rule, details)
    }
    case 'chunk-too-large': {
      const details = { maxChunkSize: outcome.maxChunkSize }
      const rule = `must be at most ${outcome.maxChunkSize} bytes`
      throw fieldRefusal('INVALID_CHUNK_SIZE', 'chunk_size', rule, details)
    }
  }
}

/** What the bucket takes, and the caller may have of it. */
function layoutLimits({ limits: bucket }: CoordinatorSettings, limits: Limits): LayoutLimits {
  const { minPartSize = 0, maxPartSize = bucket.maxPartSize } = limits
  return {
    ...bucket,
    minPartSize: Math.max(bucket.minPartSize, minPartSize),
    maxPartSize: Math.min(bucket.maxPartSize, maxPartSize),
    maxObjectSize: limits.maxFileSize ?? Number.POSITIVE_INFINITY,
  }
}

/** Whether another `init` of the same file means the same upload; otherwise its id is a new one each time. */
export function isIdentified(request: InitRequest): boolean {
  return contentIdentity(request) !== undefined
}

/** What the client says that the file is known by, if anything. */
export function contentIdentity(request: InitRequest): ContentIdentity | undefined {
  const { digest, fingerprint } = request
  const fileHash = request.fileHash?.toLowerCase()
  if (digest !== undefined && fileHash !== undefined) {
    // With another hash it is another file: one upload is not to be read for what the other asked.
    return { kind: 'digest-and-file-hash', value: `${digest} ${fileHash}` }
  }
  if (digest !== undefined) return { kind: 'digest', value: digest }
  if (fileHash !== undefined) return { kind: 'file-hash', value: fileHash }
  return fingerprint === undefined ? undefined : { kind: 'fingerprint', value: fingerprint }
}
