import { versitygwUrl } from '../helpers/services.js'
import { bucketContractOn } from './bucket-service.js'

bucketContractOn('VersityGW', versitygwUrl())
