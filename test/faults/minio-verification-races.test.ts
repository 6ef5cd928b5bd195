import { needsService } from '../contract/needs-service.js'
import { minioUrl, redisUrl } from '../helpers/services.js'
import { verificationRaces } from './verification-races.js'

needsService('MinIO', minioUrl(), () => {
  needsService('Redis', redisUrl(), () => {
    verificationRaces('MinIO', { bucketUrl: minioUrl(), comparesOnDelete: false })
  })
})
