import type { RecordOutcome } from '../coordinator/ports.js'
import type { Upload } from '../coordinator/session.js'

/** Why the part `index` cannot be recorded. */
export type RefusalKind = 'index-out-of-range' | 'checksum-malformed' | 'checksum-differs'

export function refusedPart(kind: RefusalKind, index: number, upload: Upload): RecordOutcome {
  switch (kind) {
    case 'index-out-of-range':
      return { kind, index, totalChunks: upload.totalChunks }
    case 'checksum-malformed':
      return { kind, index, upload }
    case 'checksum-differs':
      return { kind, index }
  }
}
