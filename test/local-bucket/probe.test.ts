import { afterAll } from 'vitest'
import { probeContract } from '../contract/bucket-probe.contract.js'
import { startTestLocalBucket } from '../helpers/local-bucket.js'

const local = await startTestLocalBucket()
afterAll(() => local.remove())

probeContract('the embedded bucket', local.serviceUrl, {
  completeReplay: 'completed',
  listMultipart: 'prefix',
})
