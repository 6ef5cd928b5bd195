import type { RouteName } from '../../src/protocol/index.js'

/** One request, but for the path and who sends it. */
export interface Call {
  readonly body?: object
  readonly query?: Record<string, string>
}

export interface RouteCase {
  /** What can be asked about an upload of that id. The first is the plainest; `list` and `init` name none. */
  readonly requests: (id: string) => Readonly<Record<string, Call>>
  /** The status of the first for the owner of a new upload. */
  readonly right: number
  /** How another owner is answered. */
  readonly other: 'as if it were absent' | 'about uploads of their own'
}

/** A file of one part, for which nothing needs to be known to sign it. */
export const FILE = { filename: 'a.bin', size: 10, checksum: 'none', fingerprint: 'a' }

const SHA256 = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
const PART = { index: 1, etag: 'd41d8cd98f00b204e9800998ecf8427e' }

const completions = (upload_id: string) => ({
  plain: { body: { upload_id } },
  'with parts': { body: { upload_id, parts: [PART] } },
  'with a part that there is not': { body: { upload_id, parts: [{ ...PART, index: 10_000 }] } },
  'with a hash': { body: { upload_id, expected_hash: 'a'.repeat(64) } },
  'with a digest': { body: { upload_id, digest: `${SHA256}-1` } },
})

/** Every route there is: the type, and a test, fail when one is missing. */
export const ROUTE_TABLE: Readonly<Record<RouteName, RouteCase>> = {
  init: {
    requests: () => ({ plain: { body: FILE } }),
    right: 200,
    other: 'about uploads of their own',
  },
  parts: {
    requests: (upload_id) => ({
      plain: { body: { upload_id } },
      reporting: { body: { upload_id, uploaded: [PART] } },
      'reporting what there is not': { body: { upload_id, uploaded: [{ ...PART, index: 9_999 }] } },
      signing: { body: { upload_id, sign: [{ index: 1 }] } },
      'signing what there is not': { body: { upload_id, sign: [{ index: 10_000 }] } },
      'signing with a checksum': { body: { upload_id, sign: [{ index: 1, checksum: SHA256 }] } },
    }),
    right: 200,
    other: 'as if it were absent',
  },
  status: {
    requests: (upload_id) => ({
      plain: { query: { upload_id } },
      reconciling: { query: { upload_id, reconcile: 'true' } },
    }),
    right: 200,
    other: 'as if it were absent',
  },
  complete: { requests: completions, right: 409, other: 'as if it were absent' },
  merge: { requests: completions, right: 409, other: 'as if it were absent' },
  abort: {
    requests: (upload_id) => ({ plain: { body: { upload_id } } }),
    right: 200,
    other: 'as if it were absent',
  },
  list: {
    requests: () => ({ plain: {}, 'of a state': { query: { state: 'completed' } } }),
    right: 200,
    other: 'about uploads of their own',
  },
}
