export { redisConcerns, redisFacts } from './concerns.js'
export { type ConnectedRedis, type ConnectOptions, connectRedisSessionStore } from './connect.js'
export { RedisSessionStore, type RedisSessionStoreOptions } from './redis-session-store.js'
