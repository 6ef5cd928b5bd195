import { randomUUID } from 'node:crypto'
import { connectRedisSessionStore } from '../../src/sessions/redis/index.js'
import { redisUrl, versitygwUrl } from '../helpers/services.js'
import { needsService } from './needs-service.js'
import { partwayContract } from './partway.contract.js'
import { openServices } from './partway-services.js'

needsService('Redis', redisUrl(), () => {
  needsService('VersityGW', versitygwUrl(), () => {
    partwayContract('Redis and VersityGW', () =>
      openServices(versitygwUrl(), async () => {
        const keyPrefix = `test-${randomUUID()}:`
        return (await connectRedisSessionStore(redisUrl(), { keyPrefix })).store
      }),
    )
  })
})
