import type { Clock, SessionStore } from '../../coordinator/ports.js'
import type { Decision, DecisionLog } from '../../http/decisions.js'
import { type AuditEntry, AuditLog, auditedStore, ownerPseudonym } from '../../operations/index.js'
import type { Log } from '../logging.js'
import type { AuditConfig } from './audit-config.js'
import { AuditFile } from './audit-file.js'
import { AuditStream, type LineStream } from './audit-stream.js'

export interface OpenAuditOptions {
  /** The first of `PARTWAY_SECRET`. */
  readonly secret: string
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
  readonly stdout: LineStream
}

export interface Audit {
  /** The store, all of whose decisions are recorded. */
  store(store: SessionStore): SessionStore
  /** For the router. */
  readonly decisions: DecisionLog
  /** Why no request is carried out, if none is; asking has it tried again. */
  broken(): string | undefined
  /** After its file was moved away. Present when there is one. */
  readonly reopen?: () => Promise<void>
  close(): Promise<void>
}

/** Rejects when the log cannot be written, with a `StartProblem` where its file is not to be had. */
export async function openAudit(
  { to, owners, isRequired }: AuditConfig,
  { secret, clock, log, stdout }: OpenAuditOptions,
): Promise<Audit> {
  const sink = to.kind === 'file' ? new AuditFile(to.path) : new AuditStream(stdout)
  const audit = new AuditLog({
    sink,
    clock,
    ...(owners === 'hashed' && { ownerName: ownerPseudonym(secret) }),
  })
  try {
    await audit.ready()
  } catch (fault) {
    await sink.close()
    throw fault
  }
  // What is noted here can be looked for in the chain later; see `partway audit verify --contains`.
  const noteHead = (event: string) => log.info({ event, ...audit.head })
  noteHead('audit.opened')
  const told = telling(log, isRequired)
  const recorder: Pick<AuditLog, 'ready' | 'record' | 'recordDone'> = {
    ready: () => told(() => audit.ready()),
    record: (entry) => told(() => audit.record(entry)),
    recordDone: (entry) => told(() => audit.recordDone(entry)),
  }
  return {
    store: (store) => auditedStore(store, recorder),
    decisions: {
      ready: () => recorder.ready(),
      record: (decision) => recorder.record(entryOf(decision)),
    },
    broken: () => {
      if (!isRequired || !audit.isFailing) return undefined
      void recorder.ready().catch(() => {})
      return 'Decisions cannot be recorded.'
    },
    ...(to.kind === 'file' && {
      reopen: async () => {
        await audit.reopen()
        noteHead('audit.reopened')
      },
    }),
    close: async () => {
      await told(() => audit.close()).catch(() => {})
      noteHead('audit.closed')
    },
  }
}

type Told = (work: () => Promise<void>) => Promise<void>

/** Says what went wrong, and goes on with that or without. */
function telling(log: Log, isRequired: boolean): Told {
  return async (work) => {
    try {
      await work()
    } catch (err) {
      log.error({ event: 'audit.fault', err })
      if (isRequired) throw err
    }
  }
}

function entryOf({ action, owner, uploadId, requestId, ...rest }: Decision): AuditEntry {
  return {
    event: `request.${action}`,
    ...(owner !== undefined && { owner }),
    ...(uploadId !== undefined && { upload: uploadId }),
    ...rest,
    ...(requestId !== undefined && { request: requestId }),
  }
}
