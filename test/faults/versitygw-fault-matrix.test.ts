import { needsService } from '../contract/needs-service.js'
import { versitygwUrl } from '../helpers/services.js'
import { faultMatrix } from './fault-matrix.js'

needsService('VersityGW', versitygwUrl(), () => faultMatrix('VersityGW', versitygwUrl()))
