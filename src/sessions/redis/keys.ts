import type { UploadRef } from '../../coordinator/ports.js'

/** `KEYS` of each script about an upload, in its order. All of them have the owner as their hash tag. */
export interface UploadKeys {
  readonly uploads: string
  readonly parts: string
  readonly etags: string
  readonly byAge: string
  readonly byEnd: string
  readonly contents: string
  readonly charges: string
}

/** The prefix must not have a brace: Redis Cluster takes the first pair of them for the hash tag. */
export function checkKeyPrefix(keyPrefix: string): void {
  if (/[{}]/.test(keyPrefix)) throw new RangeError('keyPrefix must not contain "{" or "}"')
}

/** Where the hints of all owners are: in a slot of its own. */
export function dueKey(keyPrefix: string): string {
  return `${keyPrefix}due`
}

/** Where it is noted of all owners which uploads are under way: as {@link dueKey}. */
export function idleKey(keyPrefix: string): string {
  return `${keyPrefix}idle`
}

export function uploadKeys(keyPrefix: string, { owner, id }: UploadRef): UploadKeys {
  const own = `${keyPrefix}{${hashTag(owner)}}:`
  return {
    uploads: `${own}uploads`,
    parts: `${own}parts:${id}`,
    etags: `${own}etags:${id}`,
    byAge: `${own}by-age`,
    byEnd: `${own}by-end`,
    contents: `${own}contents`,
    charges: `${own}charges`,
  }
}

/**
 * Percent-encoding is one to one and leaves no brace; text that is not well-formed Unicode is refused by
 * `encodeURIComponent`, so no two owners share a tag. An empty tag would be none at all
 * (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags).
 */
function hashTag(owner: string): string {
  return owner === '' ? '%' : encodeURIComponent(owner)
}
