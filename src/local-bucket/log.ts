/** What the bucket has to tell its operator. */
export type LocalBucketEvent =
  | { readonly event: 'local-bucket.started'; readonly url: string; readonly notice: string }
  | { readonly event: 'local-bucket.fault'; readonly requestId: string; readonly err: unknown }

export type LocalBucketLog = (entry: LocalBucketEvent) => void
