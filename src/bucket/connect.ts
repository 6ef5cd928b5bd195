import { randomUUID } from 'node:crypto'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Clock, PartSigner } from '../coordinator/ports.js'
import { askAsPage, type PageAnswers } from './ask-as-page.js'
import { S3PartSigner } from './batch-presigner.js'
import { type Housekeeping, housekeeping } from './housekeeping.js'
import { probeBucket } from './probe.js'
import type { BucketReport } from './probe-report.js'
import { S3Bucket, type S3BucketOptions } from './s3-bucket.js'
import { s3ProbeSubject } from './s3-probe-subject.js'
import { sendUnsigned } from './unsigned-headers.js'

export interface ConnectS3Options extends Omit<S3BucketOptions, 'client' | 'completionClient'> {
  readonly region: string
  /** Where this process reaches the bucket. @default AWS in `region` */
  readonly endpoint?: string
  /** The endpoint in the URLs that clients are given. @default the same as `endpoint` */
  readonly publicEndpoint?: string
  /** Whether the bucket's name is in the path, not in the host. @default true with an `endpoint` */
  readonly forcePathStyle?: boolean
  /** @default the SDK's own chain: environment, shared files, roles of the machine */
  readonly credentials?: NonNullable<S3ClientConfig['credentials']>
  /** What the URLs are dated by. @default the clock of the machine */
  readonly clock?: Pick<Clock, 'now'>
  /** Sent with each request of this process, unsigned, such as `traceparent`; asked for each. @default none */
  readonly headers?: () => Record<string, string>
}

export interface S3Connection {
  readonly bucket: S3Bucket
  readonly signer: PartSigner
  /** Finds out what the bucket can do, see {@link probeBucket}. Never rejects. */
  probe(options: ProbeConnectionOptions): Promise<BucketReport>
  /** How far the bucket's clock is ahead of `clock`, in ms, to about half a second. */
  clockOffset(clock: Pick<Clock, 'now'>): Promise<number>
  readonly housekeeping: Housekeeping
  /** Sends a part as a page of that origin would. Rejects when nothing answers where clients are sent. */
  askAsPage(origin: string, keyPrefix: string): Promise<PageAnswers>
  /** Closes the kept connections. */
  close(): void
}

export interface ProbeConnectionOptions {
  /** What the keys of uploads begin with: the probe's keys do, too. */
  readonly keyPrefix: string
  /** The clock of the machine, as it is. */
  readonly clock: Pick<Clock, 'now'>
}

const CONNECT_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 20_000

/** The clients of one bucket, built once: every call of the process goes over the same connections. */
export function connectS3(options: ConnectS3Options): S3Connection {
  const requestHandler = keptAliveHandler()
  const common: S3ClientConfig = { ...commonConfig(options), requestHandler }
  const client = new S3Client(common)
  // One chain of credentials, resolved once, for all.
  const shared: S3ClientConfig = { ...common, credentials: client.config.credentials }
  const completionClient = new S3Client({ ...shared, maxAttempts: 1 })
  const { headers } = options
  if (headers !== undefined) {
    for (const one of [client, completionClient]) sendUnsigned(one, headers)
  }
  const signingClient = options.publicEndpoint
    ? new S3Client({ ...shared, endpoint: options.publicEndpoint })
    : client
  const subject = (clock: Pick<Clock, 'now'>) =>
    s3ProbeSubject({ bucket: options.bucket, client, completionClient, clock })
  const bucket = new S3Bucket({ ...options, client, completionClient })
  const signer = new S3PartSigner({
    client: signingClient,
    bucket: options.bucket,
    clock: options.clock ?? { now: () => Date.now() },
  })
  return {
    bucket,
    signer,
    askAsPage: (origin, keyPrefix) =>
      askAsPage({ bucket, signer, origin, key: `${keyPrefix}.partway-probe/${randomUUID()}` }),
    probe: ({ keyPrefix, clock }) =>
      probeBucket(subject(clock), { keyPrefix, random: () => randomUUID() }),
    clockOffset: (clock) => subject(clock).clockOffset(),
    housekeeping: housekeeping(options.bucket, client),
    close: () => requestHandler.destroy(),
  }
}

function commonConfig(options: ConnectS3Options): S3ClientConfig {
  const { region, endpoint, publicEndpoint, credentials } = options
  return {
    region,
    forcePathStyle: options.forcePathStyle ?? (endpoint ?? publicEndpoint) !== undefined,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials !== undefined && { credentials }),
  }
}

function keptAliveHandler(): NodeHttpHandler {
  const agent = { keepAlive: true, maxSockets: 64 }
  return new NodeHttpHandler({
    httpAgent: new HttpAgent(agent),
    httpsAgent: new HttpsAgent(agent),
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Without it the SDK only writes a warning when a request takes too long.
    throwOnRequestTimeout: true,
    // An idle socket says nothing: while S3 completes an upload, MinIO sends no byte for minutes.
    socketTimeout: 0,
  })
}
