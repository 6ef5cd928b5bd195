import type { Clock, Outbox } from '../../coordinator/ports.js'
import { createOutbound, type Metrics, WebhookDeliverer } from '../../operations/index.js'
import type { ServerConfig } from '../config.js'
import type { Log } from '../logging.js'

export interface WebhookServices {
  readonly outbox: Outbox
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics | undefined
}

/** What delivers events; `undefined` where there is nobody to tell. */
export function openWebhooks(
  { webhooks, outboundPrivate }: ServerConfig,
  { outbox, clock, log, metrics }: WebhookServices,
): WebhookDeliverer | undefined {
  if (webhooks === undefined) return undefined
  return new WebhookDeliverer({
    outbox,
    clock,
    endpoints: webhooks.endpoints,
    outbound: createOutbound({ clock, allowPrivate: outboundPrivate }),
    onAttempt: (event, attempt) => {
      metrics?.webhooks.attempt(attempt.result)
      const { id, target, type } = event
      // The time of a retry, and why it comes; never where to.
      const about = { webhookId: id, endpoint: target, type }
      const line = { event: `webhook.${attempt.result}`, ...about, ...attempt }
      log[attempt.result === 'delivered' ? 'debug' : 'warn'](line)
    },
    onSize: (size) => metrics?.webhooks.size(size),
    onOutboxFault: (err) => log.warn({ event: 'webhook.fault', err }),
  })
}
