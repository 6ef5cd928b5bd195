import type { MultipartTarget, SessionStore } from '../coordinator/ports.js'

/** A multipart upload that no record knows of. */
export interface Orphan extends MultipartTarget {
  /** When it was opened, or its latest part was stored: milliseconds since the epoch, by the bucket's clock. */
  readonly idleSince: number
}

export interface OrphanSearch {
  /** All multipart uploads whose keys begin so. */
  readonly openUploads: (
    prefix: string,
  ) => Promise<readonly (MultipartTarget & { readonly initiatedAt: number })[]>
  /** When the latest part was stored; `undefined` where there is none. */
  readonly lastPartAt: (target: MultipartTarget) => Promise<number | undefined>
  readonly store: Pick<SessionStore, 'unfinished'>
  /** What the keys of uploads begin with. */
  readonly keyPrefix: string
  /** What has been touched since then may still be wanted. Milliseconds since the epoch. */
  readonly before: number
}

/** Uploads on a page of the store. */
const PAGE = 1_000

/**
 * What a lost store left in the bucket: multipart uploads under keys of ours, of an upload that no record knows, at which
 * nothing has happened since `before`. A client that comes back to such a one would still be given it, parts and
 * all, so whoever removes them decides that nobody will.
 *
 * The bucket is asked first: what is opened after that is not on its list, and what was opened before has its record by the
 * time that the store is asked.
 */
export async function findOrphans(search: OrphanSearch): Promise<readonly Orphan[]> {
  const { keyPrefix, before } = search
  const open = await search.openUploads(keyPrefix)
  const known = await knownIds(search.store)
  const orphans: Orphan[] = []
  for (const { key, multipartId, initiatedAt } of open) {
    const id = uploadIdOf(key, keyPrefix)
    if (id === undefined || known.has(id) || initiatedAt >= before) continue
    const idleSince = (await search.lastPartAt({ key, multipartId })) ?? initiatedAt
    if (idleSince < before) orphans.push({ key, multipartId, idleSince })
  }
  return orphans
}

async function knownIds(store: Pick<SessionStore, 'unfinished'>): Promise<ReadonlySet<string>> {
  const known = new Set<string>()
  let cursor: string | undefined
  do {
    const page = await store.unfinished({ limit: PAGE, ...(cursor !== undefined && { cursor }) })
    for (const { id } of page.refs) known.add(id)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return known
}

/** The id in a key as `init` makes them; `undefined` for whatever other programs keep there. */
function uploadIdOf(key: string, prefix: string): string | undefined {
  if (!key.startsWith(prefix)) return undefined
  return /^([A-Za-z0-9_-]{43})\/[^/]+$/.exec(key.slice(prefix.length))?.[1]
}
