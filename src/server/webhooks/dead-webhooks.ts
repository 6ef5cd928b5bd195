import * as z from 'zod/mini'
import { systemClock } from '../../coordinator/create-partway.js'
import { KEEP_EVENTS_MS } from '../../coordinator/events.js'
import type { DeadEvent, Outbox } from '../../coordinator/ports.js'
import { type ConfigOutcome, readConfig } from '../config.js'
import { describeError } from '../describe-error.js'
import { createLog } from '../logging.js'
import { refuseSettings } from '../serve.js'
import type { Environment } from '../settings-reader.js'
import { openStore } from '../store.js'
import type { ServerIo } from '../until-stopped.js'

export interface ListFlags {
  readonly json?: boolean
}

export interface RetryChoice {
  /** Of events; each for every endpoint that it is dead for. */
  readonly ids: readonly string[]
  readonly all: boolean
}

export interface WebhooksIo extends Pick<ServerIo, 'stderr'> {
  readonly stdout: { write(text: string): unknown }
}

const OK = 0
const FAILED = 1
const PAGE = 100

/** `partway webhooks list`: what nobody tries to deliver any more, the oldest first. */
export function listDead(env: Environment, io: WebhooksIo, { json }: ListFlags): Promise<number> {
  return withOutbox(env, io, async (outbox) => {
    const found: Told[] = []
    for await (const event of allDead(outbox)) found.push(told(event))
    found.sort((a, b) => a.at.localeCompare(b.at))
    for (const one of found) io.stdout.write(`${json ? JSON.stringify(one) : inWords(one)}\n`)
    if (found.length === 0 && !json) io.stdout.write('No webhook is dead.\n')
    return OK
  })
}

/** `partway webhooks retry`: makes them due at once, for whichever server delivers. */
export function retryDead(env: Environment, io: WebhooksIo, choice: RetryChoice): Promise<number> {
  return withOutbox(env, io, async (outbox) => {
    const missing = new Set(choice.ids)
    let revived = 0
    for await (const event of allDead(outbox)) {
      if (!choice.all && !choice.ids.includes(event.id)) continue
      missing.delete(event.id)
      const now = systemClock.now()
      if (await outbox.revive(event, { now, keepUntil: now + KEEP_EVENTS_MS })) revived += 1
    }
    for (const id of missing)
      io.stderr.write(`${JSON.stringify(id)}: no webhook of that id is dead\n`)
    io.stdout.write(`${revived} are tried again.\n`)
    return missing.size > 0 ? FAILED : OK
  })
}

async function withOutbox(
  env: Environment,
  io: WebhooksIo,
  work: (outbox: Outbox) => Promise<number>,
): Promise<number> {
  const outcome: ConfigOutcome = readConfig(env)
  if (outcome.kind === 'invalid') return refuseSettings(outcome.problems, io)
  const { store: config, bucket } = outcome.config
  try {
    const log = createLog('silent', { write: () => {} })
    const { store, outbox } = await openStore(config, { bucket: bucket.name, log })
    try {
      return await work(outbox)
    } finally {
      await store.close()
    }
  } catch (error) {
    io.stderr.write(`${describeError(error).message}\n`)
    return FAILED
  }
}

/** One may come twice. */
async function* allDead(outbox: Outbox): AsyncGenerator<DeadEvent> {
  const seen = new Set<string>()
  let cursor: string | undefined
  do {
    const from = cursor === undefined ? {} : { cursor }
    const page = await outbox.dead({ now: systemClock.now(), limit: PAGE, ...from })
    for (const event of page.events) {
      const key = JSON.stringify([event.owner, event.id, event.target])
      if (!seen.has(key)) yield event
      seen.add(key)
    }
    cursor = page.nextCursor
  } while (cursor !== undefined)
}

interface Told {
  readonly id: string
  readonly endpoint: string
  readonly type: string
  readonly upload_id: string
  readonly at: string
  readonly attempts: number
  readonly reason: string
}

const payloadSchema = z.object({ data: z.object({ upload_id: z.string() }) })

function told({ id, target, type, payload, createdAt, attempts, reason }: DeadEvent): Told {
  const { data } = payloadSchema.parse(JSON.parse(payload))
  const at = new Date(createdAt).toISOString()
  return { id, endpoint: target, type, upload_id: data.upload_id, at, attempts, reason }
}

function inWords({ id, endpoint, type, upload_id: upload, at, attempts, reason }: Told): string {
  return `${id}  ${at}  ${type}  upload ${upload}  endpoint ${endpoint}  ${attempts} attempts, ${reason}`
}
