import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openSqliteSessionStore } from '../../src/sessions/sqlite/index.js'
import { partwayContract } from '../contract/partway.contract.js'
import { openServices } from '../contract/partway-services.js'
import { startTestLocalBucket } from '../helpers/local-bucket.js'

const local = await startTestLocalBucket()
afterAll(() => local.remove())

partwayContract('SQLite and the embedded bucket', () =>
  openServices(local.serviceUrl, async () =>
    openSqliteSessionStore(join(local.folder, `${randomUUID()}.db`)),
  ),
)
