export type { LocalBucketEvent, LocalBucketLog } from './log.js'
export {
  DEVELOPMENT_NOTICE,
  type LocalBucket,
  type LocalBucketOptions,
  startLocalBucket,
} from './start.js'
