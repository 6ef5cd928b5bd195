import { needsService } from '../contract/needs-service.js'
import { minioUrl, redisUrl } from '../helpers/services.js'
import { crashMatrix } from './crash-matrix.js'

needsService('MinIO', minioUrl(), () => {
  needsService('Redis', redisUrl(), () => crashMatrix('MinIO', minioUrl()))
})
