import { versitygwUrl } from '../helpers/services.js'
import { bucketContractOn } from './bucket-service.js'

// VersityGW 1.8.0 refuses the marker that it gave itself (`Invalid uploadId marker`).
bucketContractOn('VersityGW', versitygwUrl(), { pagesUploads: false })
