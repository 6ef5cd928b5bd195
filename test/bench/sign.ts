import { S3Client } from '@aws-sdk/client-s3'
import { S3PartSigner } from '../../src/bucket/index.js'
import type { SignRequest } from '../../src/coordinator/ports.js'
import { median, signBySdk } from './sign-by-sdk.js'

/**
 * How many part URLs a second the batch presigner signs, and how many the SDK's `getSignedUrl`, of the same
 * inputs. Rounds of both alternate, so that a change of the machine's pace meets both; each figure is the
 * median of its rounds.
 */

const BUCKET = 'bench'
const ROUNDS = 9
/** A whole upload's worth for the batch; fewer for the SDK, which takes the same time for each. */
const BATCH_URLS = 10_000
const SDK_URLS = 1_000
const NOW = Date.UTC(2026, 0, 1)

const client = new S3Client({
  region: 'us-east-1',
  endpoint: 'http://127.0.0.1:9000',
  forcePathStyle: true,
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfi' },
  requestChecksumCalculation: 'WHEN_REQUIRED',
})
const sdk = { client, bucket: BUCKET, signingDate: new Date(NOW) }
const signer = new S3PartSigner({ client, bucket: BUCKET, clock: { now: () => NOW } })

for (const mode of ['sha256', 'none'] as const) await compare(mode)

async function compare(mode: 'sha256' | 'none'): Promise<void> {
  const request = requestOf(mode)
  await signer.signParts(request)
  await signBySdk(sdk, request, SDK_URLS / 2)
  const batch: number[] = []
  const bySdk: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    batch.push(await urlsPerSecond(BATCH_URLS, () => signer.signParts(request)))
    bySdk.push(await urlsPerSecond(SDK_URLS, () => signBySdk(sdk, request, SDK_URLS)))
  }
  report(mode, median(batch), median(bySdk))
}

function requestOf(mode: 'sha256' | 'none'): SignRequest {
  const parts = Array.from({ length: BATCH_URLS }, (_, i) => ({
    index: i + 1,
    size: 8 * 1024 * 1024,
    ...(mode === 'sha256' && { checksum: Buffer.alloc(32, i).toString('base64') }),
  }))
  const key = 'uploads/9mQ2cVZ0yq3xJ1dX5nRwTtKf8sBhLgPaEuWoCiYvMzA/holiday film.mp4'
  const multipartId = 'NWY3MjU0ZDctYjA4Yy00ZDk1LTg3YzQtMTYxZDk0YzE2YmE1LjJmOTZkMjQ1'
  return { key, multipartId, checksum: mode, parts, expiresInSeconds: 900 }
}

async function urlsPerSecond(urls: number, sign: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await sign()
  return (urls / (performance.now() - start)) * 1000
}

function report(mode: string, batch: number, sdk: number): void {
  const rate = (value: number) => `${Math.round(value).toLocaleString('en')} URLs/s`
  const each = (value: number) => `${(1e6 / value).toFixed(1)} µs each`
  console.log(`mode ${mode}`)
  console.log(`  batch presigner  ${rate(batch).padStart(18)}  ${each(batch)}`)
  console.log(`  getSignedUrl     ${rate(sdk).padStart(18)}  ${each(sdk)}`)
  console.log(`  ratio            ${(batch / sdk).toFixed(1).padStart(11)}`)
}
