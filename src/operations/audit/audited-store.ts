import type { SessionStore } from '../../coordinator/ports.js'
import { overlaid } from '../observed.js'
import type { AuditLog } from './audit-log.js'

/**
 * The same store, of which every opening and every end of an upload is recorded, by whichever hand: a request, the
 * work in the background, or another server's work taken over. While that cannot be recorded, no upload gets
 * that far.
 */
export function auditedStore(
  store: SessionStore,
  audit: Pick<AuditLog, 'ready' | 'recordDone'>,
): SessionStore {
  return overlaid(store, {
    open: async (ref, step) => {
      await audit.ready()
      const isOpen = await store.open(ref, step)
      if (isOpen) {
        await audit.recordDone({ event: 'upload.opened', owner: ref.owner, upload: ref.id })
      }
      return isOpen
    },
    settle: async (ref, step) => {
      const { from, to } = step
      // A claim that is given back decides nothing.
      if (to === 'uploading') return store.settle(ref, step)
      await audit.ready()
      const isSettled = await store.settle(ref, step)
      if (isSettled) {
        const upload = { owner: ref.owner, upload: ref.id }
        await audit.recordDone({ event: `upload.${to}`, ...upload, from })
      }
      return isSettled
    },
  })
}
