import { needsService } from '../contract/needs-service.js'
import { redisUrl, versitygwUrl } from '../helpers/services.js'
import { crashMatrix } from './crash-matrix.js'

needsService('VersityGW', versitygwUrl(), () => {
  needsService('Redis', redisUrl(), () => crashMatrix('VersityGW', versitygwUrl()))
})
