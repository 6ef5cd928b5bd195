export { redisConcerns, redisFacts } from './concerns.js'
export { type ConnectedRedis, type ConnectOptions, connectRedisSessionStore } from './connect.js'
export { type QueueConnection, queueConnection } from './queue-connection.js'
export { RedisSessionStore, type RedisSessionStoreOptions } from './redis-session-store.js'
