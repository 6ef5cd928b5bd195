/** A place in an owner's uploads, which are ordered by age and then by id. */
export interface ListPosition {
  readonly createdAt: number
  readonly id: string
}

const DIGITS = 16
const ENTRY = /^(\d{16})-(.+)$/s

/** The position as text whose order, by bytes, is that of the positions. The id begins at its 18th byte. */
export function listEntry({ createdAt, id }: ListPosition): string {
  return `${String(createdAt).padStart(DIGITS, '0')}-${id}`
}

export function encodeCursor(entry: string): string {
  return Buffer.from(entry).toString('base64url')
}

/** `undefined` for what no list ever gave. */
export function decodeCursor(cursor: string): ListPosition | undefined {
  const entry = Buffer.from(cursor, 'base64url').toString()
  const [, createdAt, id] = ENTRY.exec(entry) ?? []
  if (createdAt === undefined || id === undefined || encodeCursor(entry) !== cursor)
    return undefined
  return { createdAt: Number(createdAt), id }
}
