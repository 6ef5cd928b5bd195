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
      'At least 32 bytes that make the ids of uploads; the same on every server of one store. A list, separated by commas or lines: the first makes ids, and uploads that were begun under the others are found as well.',
  },
  {
    name: 'PARTWAY_AUTH',
    default: 'none',
    meaning:
      'How callers show who they are: `token`, `jwt`, or `none`, where everybody is one owner.',
  },
  {
    name: 'PARTWAY_ALLOW_ANONYMOUS',
    default: 'false',
    meaning: '`true` lets `PARTWAY_AUTH=none` listen on an address that is not loopback.',
  },
  {
    name: 'PARTWAY_TOKENS_FILE',
    default: '',
    meaning: 'With `token`: the file of lines `owner:sha256:<hex>`, one for each token.',
  },
  {
    name: 'PARTWAY_JWT_JWKS_URL',
    default: '',
    meaning: 'With `jwt`: where the public keys of the issuer are, by https.',
  },
  {
    name: 'PARTWAY_JWT_SECRET',
    default: '',
    meaning:
      'With `jwt`, instead of the keys’ address: at least 32 bytes shared with the issuer. A list, separated by commas or lines: any of them may have signed.',
  },
  {
    name: 'PARTWAY_JWT_ALGORITHMS',
    default: '',
    meaning:
      'With `jwt`: signatures that are accepted, separated by commas. Without it, `RS256,ES256` with public keys and `HS256` with a secret.',
  },
  {
    name: 'PARTWAY_JWT_ISSUER',
    default: '',
    meaning: 'With `jwt`, required: what `iss` of a token must be.',
  },
  {
    name: 'PARTWAY_JWT_AUDIENCE',
    default: '',
    meaning: 'With `jwt`, required: what `aud` of a token must have one of, separated by commas.',
  },
  {
    name: 'PARTWAY_JWT_TYPE',
    default: '',
    meaning:
      'With `jwt`: what `typ` in the header of a token must be, such as `at+jwt`. Without it, anything.',
  },
  {
    name: 'PARTWAY_JWT_OWNER_CLAIM',
    default: 'sub',
    meaning: 'With `jwt`: the claim whose text, of 1 to 256 bytes, is the owner.',
  },
  {
    name: 'PARTWAY_JWT_LIMITS_CLAIM',
    default: '',
    meaning:
      'With `jwt`: the claim that has limits of its caller, which take the place of those set here. Without it, no claim is looked at.',
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
    name: 'PARTWAY_JANITOR_INTERVAL',
    default: '5m',
    meaning:
      'How often this server gives up uploads that nobody has gone on with for `PARTWAY_SESSION_TTL`, and removes their parts: `1s` to `24h`. With `PARTWAY_VERIFY_CONCURRENCY=0` that is left to other servers as well.',
  },
  {
    name: 'PARTWAY_MAX_SIZE',
    default: '5TiB',
    meaning: 'The largest file.',
  },
  {
    name: 'PARTWAY_MIN_PART_SIZE',
    default: '',
    meaning: 'The smallest part but the last. Without it, the 5 MiB of S3.',
  },
  {
    name: 'PARTWAY_MAX_PART_SIZE',
    default: '',
    meaning: 'The largest part. Without it, the 5 GiB of S3.',
  },
  {
    name: 'PARTWAY_ALLOWED_TYPES',
    default: '',
    meaning:
      'Media types that may be uploaded, separated by commas, such as `image/png,video/*`. Without it, any.',
  },
  {
    name: 'PARTWAY_CHECK_CONTENT',
    default: 'false',
    meaning:
      '`true` compares the first bytes of each object with the declared `content_type` before the upload is completed. What is something else is removed.',
  },
  {
    name: 'PARTWAY_ALLOWED_EXTENSIONS',
    default: '',
    meaning:
      'What the names of files may end with, separated by commas, such as `jpg,png,tar.gz`. Without it, anything.',
  },
  {
    name: 'PARTWAY_MAX_OPEN_UPLOADS',
    default: '',
    meaning: 'How many uploads an owner may have under way at once. Without it, any number.',
  },
  {
    name: 'PARTWAY_MAX_RESERVED_BYTES',
    default: '',
    meaning:
      'How large the files may be together that an owner has under way. Without it, of any size.',
  },
  {
    name: 'PARTWAY_MAX_STORED_BYTES',
    default: '',
    meaning:
      'How large the files may be together that an owner has under way or has completed within `PARTWAY_RETENTION`. Without it, of any size.',
  },
  {
    name: 'PARTWAY_MAX_UPLOADS_PER_DAY',
    default: '',
    meaning: 'How many uploads an owner may begin in a day (UTC). Without it, any number.',
  },
  {
    name: 'PARTWAY_SIGN_BUDGET',
    default: '10',
    meaning:
      'How many URLs may be signed for an upload in a day (UTC): so many for each of its parts, and 100 more; `1` to `1000`.',
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
    name: 'PARTWAY_TRUST_PROXY',
    default: '',
    meaning:
      'The proxies before this server, whose word on the address of a caller is taken: how many there are, or their addresses and networks, separated by commas. Without it `X-Forwarded-For` is ignored.',
  },
  {
    name: 'PARTWAY_RATE_INIT',
    default: '6000/min,12000/min',
    meaning: 'How often one owner, and one address, may call `init`; `off` for any number.',
  },
  {
    name: 'PARTWAY_RATE_PARTS',
    default: '12000/min,24000/min',
    meaning: 'The same for `parts`.',
  },
  {
    name: 'PARTWAY_RATE_STATUS',
    default: '6000/min,12000/min',
    meaning: 'The same for `status`.',
  },
  {
    name: 'PARTWAY_RATE_COMPLETE',
    default: '6000/min,12000/min',
    meaning: 'The same for `complete` and `merge` together.',
  },
  {
    name: 'PARTWAY_RATE_OTHER',
    default: '3000/min,6000/min',
    meaning: 'The same for `abort` and the list together.',
  },
  {
    name: 'PARTWAY_RATE_REFUSED',
    default: '300/min',
    meaning:
      'How often one address may come with a credential that is not valid; `off` for any number.',
  },
  {
    name: 'PARTWAY_IN_FLIGHT_PER_IP',
    default: '256',
    meaning: 'How many requests of one address this server works on at a time.',
  },
  {
    name: 'PARTWAY_MAX_CONNECTIONS',
    default: '1024',
    meaning: 'How many connections this server has at a time; further ones are closed.',
  },
  {
    name: 'PARTWAY_KEEP_ALIVE',
    default: '65s',
    meaning:
      'How long an idle connection is kept: `1s` to `1h`, and longer than the load balancer in front keeps it.',
  },
  {
    name: 'PARTWAY_PAGE',
    default: 'false',
    meaning: '`true` shows the page at `/`, with which a browser uploads.',
  },
  {
    name: 'PARTWAY_AUDIT',
    default: '',
    meaning:
      'Where every decision is recorded, in lines that are tied to each other: `file:<path>` or `stdout`. Without it, nowhere.',
  },
  {
    name: 'PARTWAY_AUDIT_OWNERS',
    default: 'hashed',
    meaning:
      'How an owner is written there: `hashed` with a key that is made from `PARTWAY_SECRET`, or `plain`.',
  },
  {
    name: 'PARTWAY_AUDIT_REQUIRED',
    default: 'true',
    meaning:
      '`false` lets uploads go on while decisions cannot be recorded; the log then says so. Otherwise requests are answered 503.',
  },
  {
    name: 'PARTWAY_METRICS',
    default: '',
    meaning:
      'Where Prometheus reads metrics, at `/metrics`: a port of `127.0.0.1`, or an address and a port such as `10.0.0.5:9464`. Without it, nowhere.',
  },
  {
    name: 'PARTWAY_LOG_LEVEL',
    default: 'info',
    meaning: '`debug`, `info`, `warn`, `error` or `silent`.',
  },
] as const satisfies readonly Variable[]

export type VariableName = (typeof VARIABLES)[number]['name']
