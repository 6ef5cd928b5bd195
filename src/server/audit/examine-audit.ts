import { access, constants, open, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { AuditConfig } from './audit-config.js'
import { readTail } from './audit-file.js'

export interface AuditFinding {
  readonly level: 'ok' | 'broken'
  readonly text: string
}

/** For `partway doctor`: whether decisions could be recorded now. Writes nothing, and may be asked while a server runs. */
export async function examineAudit({ to }: AuditConfig): Promise<AuditFinding> {
  if (to.kind === 'stdout') return { level: 'ok', text: 'Decisions are recorded on stdout.' }
  try {
    return await examineFile(to.path)
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : ''
    return { level: 'broken', text: `PARTWAY_AUDIT: ${to.path} cannot be written${reason}` }
  }
}

async function examineFile(path: string): Promise<AuditFinding> {
  const place = await nearest(resolve(path))
  await access(place, constants.W_OK)
  if (place !== resolve(path)) {
    if (!(await stat(place)).isDirectory()) throw new Error(`${place} is no folder`)
    return { level: 'ok', text: `The audit log will be ${path}.` }
  }
  const file = await open(path, 'r')
  try {
    const tail = await readTail(file)
    if (tail === undefined) {
      const text = `PARTWAY_AUDIT: ${path} has something else than an audit log`
      return { level: 'broken', text }
    }
    return {
      level: 'ok',
      text: `The audit log can be written; it has ${tail.head?.seq ?? 0} records.`,
    }
  } finally {
    await file.close()
  }
}

/** The path itself, or what there is of the folders above it. */
async function nearest(path: string): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  )
  return isThere || path === dirname(path) ? path : nearest(dirname(path))
}
