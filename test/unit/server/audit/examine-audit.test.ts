import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuditLog } from '../../../../src/operations/index.js'
import { AuditFile } from '../../../../src/server/audit/audit-file.js'
import { examineAudit } from '../../../../src/server/audit/examine-audit.js'
import { readConfig } from '../../../../src/server/config.js'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partway-audit-'))
})
afterEach(() => rm(folder, { recursive: true }))

const examine = (path: string) =>
  examineAudit({ to: { kind: 'file', path }, owners: 'hashed', isRequired: true })

describe('what doctor says of the audit log', () => {
  it('says where it will be, and makes nothing', async () => {
    const path = join(folder, 'deep', 'audit.log')
    expect(await examine(path)).toEqual({ level: 'ok', text: `The audit log will be ${path}.` })
    expect(await readdir(folder)).toEqual([])
  })

  it('says how many records it has, also while a server has it', async () => {
    const path = join(folder, 'audit.log')
    const log = new AuditLog({ sink: new AuditFile(path), clock: Date })
    await log.record({ event: 'request.init' })
    expect(await examine(path)).toMatchObject({ level: 'ok', text: expect.stringContaining('2') })
    await log.close()
  })

  it('says that it is something else, or in no place to be written', async () => {
    const path = join(folder, 'audit.log')
    await writeFile(path, 'something else\n')
    expect(await examine(path)).toMatchObject({ level: 'broken' })
    expect(await examine(join(path, 'audit.log'))).toMatchObject({ level: 'broken' })
  })
})

describe('the settings of the audit log', () => {
  const env = {
    PARTWAY_BUCKET: 'uploads',
    PARTWAY_SECRET: 'a secret of more than thirty-two bytes',
  }
  const read = (more: Record<string, string>) => readConfig({ ...env, ...more })

  it('are off, or a place with owners that are hashed and a log that is required', () => {
    expect(read({})).toMatchObject({
      kind: 'ok',
      config: expect.not.objectContaining({ audit: {} }),
    })
    expect(read({ PARTWAY_AUDIT: 'file:/var/log/audit.log' })).toMatchObject({
      config: {
        audit: {
          to: { kind: 'file', path: '/var/log/audit.log' },
          owners: 'hashed',
          isRequired: true,
        },
      },
    })
    const changed = { PARTWAY_AUDIT_OWNERS: 'plain', PARTWAY_AUDIT_REQUIRED: 'false' }
    expect(read({ PARTWAY_AUDIT: 'stdout', ...changed })).toMatchObject({
      config: { audit: { to: { kind: 'stdout' }, owners: 'plain', isRequired: false } },
    })
  })

  it('are refused when they say no place', () => {
    for (const PARTWAY_AUDIT of ['file:', '/var/log/audit.log', 'stderr']) {
      expect(read({ PARTWAY_AUDIT })).toMatchObject({
        kind: 'invalid',
        problems: [expect.stringContaining('PARTWAY_AUDIT must be file:<path> or stdout')],
      })
    }
  })
})
