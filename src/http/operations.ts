import type * as z from 'zod/mini'
import {
  abortReply,
  abortRequest,
  completeReply,
  completeRequest,
  type ErrorCode,
  initReply,
  initRequest,
  listQuery,
  listReply,
  partsReply,
  partsRequest,
  type RouteName,
  statusQuery,
  statusReply,
} from '../protocol/index.js'

/** What the OpenAPI document says of a route besides its path. */
export interface Operation {
  readonly summary: string
  readonly description: string
  /** The body of a `POST`, the query of a `GET`. */
  readonly request: z.ZodMiniType
  readonly requestName: string
  readonly example: Readonly<Record<string, unknown>>
  readonly replyName: string
  readonly reply: z.ZodMiniType
  /** By status, when each is given. */
  readonly replies: Readonly<Record<number, string>>
  /** The codes that the route may answer besides those of every route. */
  readonly errors: readonly ErrorCode[]
}

/** What any route may answer. */
export const COMMON_ERRORS: readonly ErrorCode[] = [
  'INVALID_REQUEST',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'TOO_MANY_REQUESTS',
  'INTERNAL',
  'STORE_UNAVAILABLE',
  'AUTH_UNAVAILABLE',
  'AUDIT_UNAVAILABLE',
  'SHUTTING_DOWN',
]

const BODY_ERRORS: readonly ErrorCode[] = [
  'MALFORMED_JSON',
  'BODY_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
]

const UPLOAD_ID = 'mB3kq0Zc1xT8uV5wYf7hJ2pLrN9sDgKa4eQoXi6tWbM'
const CHECKSUM = 'n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg='
const ETAG = 'd41d8cd98f00b204e9800998ecf8427e'

const complete: Operation = {
  summary: 'Close an upload',
  description:
    'Closes the upload once every byte is proven to be in the bucket. Repeated, it gives the same result.',
  request: completeRequest,
  requestName: 'CompleteRequest',
  example: { upload_id: UPLOAD_ID, parts: [{ index: 1, etag: ETAG, checksum: CHECKSUM }] },
  reply: completeReply,
  replyName: 'CompleteReply',
  replies: {
    200: 'The object is there.',
    202: 'The object is being verified; ask for its status.',
  },
  errors: [
    ...BODY_ERRORS,
    'INDEX_OUT_OF_RANGE',
    'UPLOAD_NOT_FOUND',
    'WRONG_STATE',
    'PARTS_MISSING',
    'COMPLETION_IN_PROGRESS',
    'UPLOAD_EXPIRED',
    'FILE_TOO_LARGE',
    'QUOTA_EXCEEDED',
    'TYPE_NOT_ALLOWED',
    'CHECKSUM_MISMATCH',
    'CONTENT_MISMATCH',
    'UPLOAD_BUSY',
    'BUCKET_UNAVAILABLE',
  ],
}

export const OPERATIONS: Readonly<Record<RouteName, Operation>> = {
  init: {
    summary: 'Open an upload, or find it again',
    description:
      'The same file of the same owner finds the upload that was opened before, with the parts that arrived.',
    request: initRequest,
    requestName: 'InitRequest',
    example: {
      filename: 'holiday.mp4',
      size: 734_003_200,
      chunk_size: 8_388_608,
      fingerprint: 'holiday.mp4-734003200-1735689600',
      content_type: 'video/mp4',
      metadata: { album: 'summer' },
      checksum: 'sha256',
    },
    reply: initReply,
    replyName: 'InitReply',
    replies: { 200: 'The upload was known already.', 201: 'The upload is new.' },
    errors: [
      ...BODY_ERRORS,
      'INVALID_CHUNK_SIZE',
      'FILE_TOO_LARGE',
      'QUOTA_EXCEEDED',
      'LIMIT_REACHED',
      'TYPE_NOT_ALLOWED',
      'CHECKSUM_MISMATCH',
      'UPLOAD_BUSY',
      'BUCKET_UNAVAILABLE',
    ],
  },
  parts: {
    summary: 'Report parts that arrived, and get the URLs of others',
    description:
      'Any number of both at once. Each URL takes one `PUT` of exactly `size` bytes with the given headers.',
    request: partsRequest,
    requestName: 'PartsRequest',
    example: {
      upload_id: UPLOAD_ID,
      uploaded: [{ index: 1, etag: ETAG, checksum: CHECKSUM }],
      sign: [{ index: 2, checksum: CHECKSUM }],
    },
    reply: partsReply,
    replyName: 'PartsReply',
    replies: { 200: 'The parts are recorded and the URLs signed.' },
    errors: [
      ...BODY_ERRORS,
      'INDEX_OUT_OF_RANGE',
      'CHECKSUM_REQUIRED',
      'UPLOAD_NOT_FOUND',
      'WRONG_STATE',
      'UPLOAD_EXPIRED',
      'FILE_TOO_LARGE',
      'TYPE_NOT_ALLOWED',
      'CHECKSUM_MISMATCH',
      'UPLOAD_BUSY',
      'BUCKET_UNAVAILABLE',
    ],
  },
  status: {
    summary: 'See how far an upload is',
    description: 'With `reconcile=true` the bucket is asked too, and what it holds is the truth.',
    request: statusQuery,
    requestName: 'StatusQuery',
    example: { upload_id: UPLOAD_ID, reconcile: 'true' },
    reply: statusReply,
    replyName: 'StatusReply',
    replies: { 200: 'The upload.' },
    errors: ['UPLOAD_NOT_FOUND', 'UPLOAD_BUSY', 'BUCKET_UNAVAILABLE'],
  },
  complete,
  merge: { ...complete, summary: 'Close an upload (another name of `/upload/complete`)' },
  abort: {
    summary: 'Give an upload up',
    description: 'Its parts are removed from the bucket. Repeated, it gives the same result.',
    request: abortRequest,
    requestName: 'AbortRequest',
    example: { upload_id: UPLOAD_ID },
    reply: abortReply,
    replyName: 'AbortReply',
    replies: { 200: 'The upload is aborted.' },
    errors: [
      ...BODY_ERRORS,
      'UPLOAD_NOT_FOUND',
      'WRONG_STATE',
      'COMPLETION_IN_PROGRESS',
      'UPLOAD_EXPIRED',
      'UPLOAD_BUSY',
      'BUCKET_UNAVAILABLE',
    ],
  },
  list: {
    summary: 'List your own uploads, newest first',
    description: 'So that another device can go on with them.',
    request: listQuery,
    requestName: 'ListQuery',
    example: { state: 'uploading', limit: '20' },
    reply: listReply,
    replyName: 'ListReply',
    replies: { 200: 'One page of uploads.' },
    errors: [],
  },
}
