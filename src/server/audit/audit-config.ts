import type { SettingsReader } from '../settings-reader.js'

export interface AuditConfig {
  readonly to: { readonly kind: 'stdout' } | { readonly kind: 'file'; readonly path: string }
  readonly owners: 'hashed' | 'plain'
  /** Whether nothing is decided while it cannot be recorded. */
  readonly isRequired: boolean
}

/** `undefined` when there is to be no audit log. */
export function auditOf(read: SettingsReader): AuditConfig | undefined {
  const owners = read.oneOf('PARTWAY_AUDIT_OWNERS', ['hashed', 'plain']) ?? 'hashed'
  const isRequired = read.flag('PARTWAY_AUDIT_REQUIRED') ?? true
  const text = read.optional('PARTWAY_AUDIT')
  if (text === undefined) return undefined
  if (text === 'stdout') return { to: { kind: 'stdout' }, owners, isRequired }
  const path = text.startsWith('file:') ? text.slice('file:'.length) : ''
  if (path === '') read.problem('PARTWAY_AUDIT', 'must be file:<path> or stdout', text)
  return { to: { kind: 'file', path }, owners, isRequired }
}
