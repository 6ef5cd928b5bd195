import { randomUUID } from 'node:crypto'
import {
  type BeforeInit,
  type BeforeInitRequest,
  checkedDecision,
  type InitDecision,
} from '../../coordinator/before-init.js'
import type { Clock } from '../../coordinator/ports.js'
import { toCamel, toWire } from '../../protocol/index.js'
import type { Outbound, OutboundOutcome } from '../outbound/create-outbound.js'
import { signMessage } from '../outbound/sign-message.js'

export interface HttpInitHookOptions {
  readonly outbound: Outbound
  readonly url: string
  /** As `signMessage` takes them; at least one. */
  readonly secrets: readonly string[]
  readonly clock: Pick<Clock, 'now'>
  /** Makes the id of a message. @default a random UUID */
  readonly messageId?: () => string
}

/**
 * Asks a server before each upload: a signed `POST`, which it answers 200 with the decision in JSON. Rejects for
 * whatever else comes of it; the reason has neither the URL nor anything of the answer in it.
 */
export function httpInitHook(options: HttpInitHookOptions): BeforeInit {
  const { outbound, url, secrets, clock, messageId = randomUUID } = options
  return async (request: BeforeInitRequest): Promise<InitDecision> => {
    const timestamp = clock.now()
    const body = JSON.stringify({
      type: 'upload.init',
      timestamp: new Date(timestamp).toISOString(),
      data: toWire<unknown>(request),
    })
    const id = `msg_${messageId()}`
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      ...signMessage(secrets, { id, timestamp, body }),
    }
    return decisionIn(await outbound.post(url, { body, headers }))
  }
}

function decisionIn(outcome: OutboundOutcome): InitDecision {
  if (outcome.kind === 'refused') throw new Error(`the init hook may not be asked: ${outcome.why}`)
  if (outcome.kind === 'failed') {
    const { why, code } = outcome
    throw new Error(`the init hook did not answer: ${why}${code === undefined ? '' : ` (${code})`}`)
  }
  const { status, isCut, body } = outcome
  if (status !== 200) throw new Error(`the init hook answered with status ${status}`)
  if (isCut) throw new Error('the init hook answered with too much')
  return checkedDecision(toCamel(jsonOf(body)))
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    // Its own error quotes the answer.
    throw new Error('the init hook did not answer with JSON')
  }
}
