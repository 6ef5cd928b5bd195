import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openSqliteSessionStore } from '../../src/sessions/sqlite/index.js'
import { versitygwUrl } from '../helpers/services.js'
import { needsService } from './needs-service.js'
import { partwayContract } from './partway.contract.js'
import { openServices } from './partway-services.js'

const folder = await mkdtemp(join(tmpdir(), 'partway-test-'))
afterAll(() => rm(folder, { recursive: true }))

needsService('VersityGW', versitygwUrl(), () => {
  partwayContract('SQLite and VersityGW', () =>
    openServices(versitygwUrl(), async () =>
      openSqliteSessionStore(join(folder, `${randomUUID()}.db`)),
    ),
  )
})
