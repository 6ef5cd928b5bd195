import { needsService } from '../contract/needs-service.js'
import { redisUrl, versitygwUrl } from '../helpers/services.js'
import { verificationRaces } from './verification-races.js'

needsService('VersityGW', versitygwUrl(), () => {
  needsService('Redis', redisUrl(), () => {
    verificationRaces('VersityGW', { bucketUrl: versitygwUrl(), comparesOnDelete: true })
  })
})
