import { HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3'
import type { Clock } from '../coordinator/ports.js'

export interface ClockOffsetOptions {
  readonly client: S3Client
  readonly bucket: string
  readonly clock: Pick<Clock, 'now'>
  /** Milliseconds. */
  readonly timeoutMs: number
}

/**
 * How far the bucket's clock is ahead of `clock`, in ms, by the `Date` of a reply. Any reply will do, a
 * refusal too: beyond 15 minutes buckets refuse every signed request.
 */
export async function measureClockOffset(options: ClockOffsetOptions): Promise<number> {
  const { client, bucket, clock, timeoutMs } = options
  let offset: number | undefined
  const command = new HeadBucketCommand({ Bucket: bucket })
  command.middlewareStack.add(
    (next) => async (args) => {
      const sentAt = clock.now()
      const result = await next(args)
      const date = dateOf(result.response)
      // The header is cut to seconds, so on average it is half of one behind.
      if (date !== undefined) offset = date + 500 - (sentAt + clock.now()) / 2
      return result
    },
    { step: 'deserialize', priority: 'low', name: 'clockOffset' },
  )
  const failure = await client.send(command, { abortSignal: AbortSignal.timeout(timeoutMs) }).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (offset === undefined) throw failure ?? new Error('HeadBucket: a reply without Date')
  return Math.round(offset)
}

function dateOf(response: unknown): number | undefined {
  if (typeof response !== 'object' || response === null || !('headers' in response))
    return undefined
  const { headers } = response
  if (typeof headers !== 'object' || headers === null || !('date' in headers)) return undefined
  const date = Date.parse(String(headers.date))
  return Number.isNaN(date) ? undefined : date
}
