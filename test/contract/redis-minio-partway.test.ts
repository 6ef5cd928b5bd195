import { randomUUID } from 'node:crypto'
import { connectRedisSessionStore } from '../../src/sessions/redis/index.js'
import { minioUrl, redisUrl } from '../helpers/services.js'
import { needsService } from './needs-service.js'
import { partwayContract } from './partway.contract.js'
import { openServices } from './partway-services.js'

needsService('Redis', redisUrl(), () => {
  needsService('MinIO', minioUrl(), () => {
    partwayContract('Redis and MinIO', () =>
      openServices(minioUrl(), async () => {
        const keyPrefix = `test-${randomUUID()}:`
        return (await connectRedisSessionStore(redisUrl(), { keyPrefix })).store
      }),
    )
  })
})
