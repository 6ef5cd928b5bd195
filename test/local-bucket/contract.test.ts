import { afterAll } from 'vitest'
import { bucketContractOn } from '../contract/bucket-service.js'
import { startTestLocalBucket } from '../helpers/local-bucket.js'

const local = await startTestLocalBucket()
afterAll(() => local.remove())

bucketContractOn('the embedded bucket', local.serviceUrl, { pagesUploads: true })
