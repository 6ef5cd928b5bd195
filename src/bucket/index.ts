export type { PageAnswers } from './ask-as-page.js'
export { S3PartSigner, type S3PartSignerOptions } from './batch-presigner.js'
export { bucketTrouble } from './bucket-trouble.js'
export {
  type ConnectS3Options,
  connectS3,
  type ProbeConnectionOptions,
  type S3Connection,
} from './connect.js'
export type { Housekeeping, KeptUploads } from './housekeeping.js'
export { pageFindings } from './page-findings.js'
export { probeBucket } from './probe.js'
export { CLOCK_TOLERANCE_MS, rememberingReport } from './probe-findings.js'
export {
  type Answer,
  type BucketFlags,
  type BucketReport,
  canDo,
  capabilitiesOf,
  type Finding,
  isIncomplete,
} from './probe-report.js'
export type { ProbeOptions, ProbeSubject } from './probe-subject.js'
export { S3Bucket, type S3BucketOptions } from './s3-bucket.js'
