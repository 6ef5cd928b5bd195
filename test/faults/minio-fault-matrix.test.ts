import { needsService } from '../contract/needs-service.js'
import { minioUrl } from '../helpers/services.js'
import { faultMatrix } from './fault-matrix.js'

needsService('MinIO', minioUrl(), () => faultMatrix('MinIO', minioUrl()))
