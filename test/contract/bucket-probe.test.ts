import { minioUrl, versitygwUrl } from '../helpers/services.js'
import { probeContract } from './bucket-probe.contract.js'

probeContract('MinIO', minioUrl(), { completeReplay: 'gone', listMultipart: 'exact-key' })
probeContract('VersityGW', versitygwUrl(), { completeReplay: 'completed', listMultipart: 'prefix' })
