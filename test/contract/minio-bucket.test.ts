import { minioUrl } from '../helpers/services.js'
import { bucketContractOn } from './bucket-service.js'

bucketContractOn('MinIO', minioUrl(), { pagesUploads: true })
