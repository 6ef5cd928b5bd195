import type { ListQuery, ListReply } from '../protocol/index.js'
import type { Context } from './context.js'
import type { Caller } from './partway.js'
import { listedUpload } from './replies.js'

const DEFAULT_LIMIT = 20

/** The caller's own uploads, newest first, so that another device can go on with one. */
export async function list(
  context: Context,
  { owner }: Caller,
  { state, cursor, limit }: ListQuery,
): Promise<ListReply> {
  const now = context.clock.now()
  const page = await context.store.list(owner, {
    now,
    limit: limit === undefined ? DEFAULT_LIMIT : Number(limit),
    ...(state === undefined ? {} : { state }),
    ...(cursor === undefined ? {} : { cursor }),
  })
  return {
    uploads: page.uploads.map(({ upload, arrivedCount }) =>
      listedUpload(upload, arrivedCount, now),
    ),
    ...(page.nextCursor === undefined ? {} : { nextCursor: page.nextCursor }),
  }
}
