/** One environment variable: what `docs/configuration.md` is checked against. */
export interface Variable {
  readonly name: string
  /** What it is without being set, spelt as one would set it; empty for none. */
  readonly default: string
  /** Whether `partway serve` does not start without it. */
  readonly required?: true
  readonly meaning: string
}

/** Every variable of the standalone server, besides those that the AWS SDK reads by itself. */
export const VARIABLES = [
  {
    name: 'PARTWAY_HOST',
    default: '127.0.0.1',
    meaning: 'Address to listen on.',
  },
  {
    name: 'PARTWAY_PORT',
    default: '8000',
    meaning: 'Port to listen on; `0` lets the system choose.',
  },
  {
    name: 'PARTWAY_BUCKET',
    default: '',
    required: true,
    meaning: 'Name of the bucket.',
  },
  {
    name: 'PARTWAY_S3_ENDPOINT',
    default: '',
    meaning: 'Address of the S3 API as this server reaches it. Without it, AWS.',
  },
  {
    name: 'PARTWAY_S3_PUBLIC_ENDPOINT',
    default: '',
    meaning: 'Address of the S3 API as clients reach it, where it is another one.',
  },
  {
    name: 'PARTWAY_S3_REGION',
    default: 'us-east-1',
    meaning: 'Region of the bucket.',
  },
  {
    name: 'PARTWAY_S3_FORCE_PATH_STYLE',
    default: '',
    meaning:
      '`true` puts the name of the bucket into the path of a URL, `false` into its host. Without it, `true` when an endpoint is set.',
  },
  {
    name: 'PARTWAY_STORE',
    default: 'sqlite:./.partway/sessions.db',
    meaning: 'Where sessions are kept: `sqlite:<path>`, `redis://…` or `rediss://…`.',
  },
  {
    name: 'PARTWAY_SECRET',
    default: '',
    required: true,
    meaning:
      'At least 32 bytes that make the ids of uploads; the same on every server of one store. With another one, no upload is found again.',
  },
  {
    name: 'PARTWAY_AUTH',
    default: 'none',
    meaning: 'Who may call. This version knows only `none`: everybody is one owner.',
  },
  {
    name: 'PARTWAY_ALLOW_ANONYMOUS',
    default: 'false',
    meaning: '`true` lets `PARTWAY_AUTH=none` listen on an address that is not loopback.',
  },
  {
    name: 'PARTWAY_CHECKSUM',
    default: '',
    meaning:
      'Mode for clients that name none: `sha256`, `crc64nvme`, `crc32c`, `crc32`, `md5` or `none`. Without it, the first of these that the bucket can do.',
  },
  {
    name: 'PARTWAY_PROBE',
    default: 'true',
    meaning: '`false` does not ask the bucket what it can do, and takes it to be able to do all.',
  },
  {
    name: 'PARTWAY_URL_TTL',
    default: '15m',
    meaning: 'How long a signed URL is good for: `1s` to `7d`.',
  },
  {
    name: 'PARTWAY_SESSION_TTL',
    default: '7d',
    meaning: 'How long an upload waits for its next part: `1m` to `365d`.',
  },
  {
    name: 'PARTWAY_RETENTION',
    default: '7d',
    meaning: 'How long the record of a finished upload answers late clients: `24h` to `365d`.',
  },
  {
    name: 'PARTWAY_LEASE',
    default: '60s',
    meaning:
      'How long one server has an upload to itself while it opens, completes or aborts it; if it dies, another takes over after that: `1s` to `10m`. Opening takes `15s` at most.',
  },
  {
    name: 'PARTWAY_VERIFY_CONCURRENCY',
    default: '2',
    meaning:
      'How many uploads this server works on at once besides its requests: it reads finished objects whose `file_hash` or `expected_hash` is to be checked, and finishes what a server that died had begun. `0` leaves that to other servers of the same store.',
  },
  {
    name: 'PARTWAY_MAX_SIZE',
    default: '5TiB',
    meaning: 'The largest file.',
  },
  {
    name: 'PARTWAY_ALLOWED_TYPES',
    default: '',
    meaning:
      'Media types that may be uploaded, separated by commas, such as `image/png,video/*`. Without it, any.',
  },
  {
    name: 'PARTWAY_KEY_PREFIX',
    default: '',
    meaning: 'What the key of every object begins with, such as `uploads/`.',
  },
  {
    name: 'PARTWAY_CORS_ORIGINS',
    default: '',
    meaning:
      'Origins whose pages may call, separated by commas, such as `https://app.example.com`. Without it, none but the server’s own.',
  },
  {
    name: 'PARTWAY_PAGE',
    default: 'false',
    meaning: '`true` shows the page at `/`, with which a browser uploads.',
  },
  {
    name: 'PARTWAY_LOG_LEVEL',
    default: 'info',
    meaning: '`debug`, `info`, `warn`, `error` or `silent`.',
  },
] as const satisfies readonly Variable[]

export type VariableName = (typeof VARIABLES)[number]['name']
