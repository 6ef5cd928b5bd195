export { openSqliteSessionStore } from './open.js'
export { SqliteSessionStore } from './sqlite-session-store.js'
