import type { Clock, EventRef, Outbox } from '../../coordinator/ports.js'
import { createOutbound, type Metrics, WebhookDeliverer } from '../../operations/index.js'
import type { ServerConfig } from '../config.js'
import type { Log } from '../logging.js'

export interface WebhookServices {
  readonly outbox: Outbox
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics | undefined
}

/** What delivers events; `undefined` where there is nobody to tell, or that is left to other servers. */
export function openWebhooks(
  { webhooks, outboundPrivate, verifyConcurrency }: ServerConfig,
  { outbox, clock, log, metrics }: WebhookServices,
): WebhookDeliverer | undefined {
  if (webhooks === undefined || verifyConcurrency === 0) return undefined
  const about = ({ id, target }: EventRef) => ({ webhookId: id, endpoint: target })
  return new WebhookDeliverer({
    outbox,
    clock,
    endpoints: webhooks.endpoints,
    outbound: createOutbound({ clock, allowPrivate: outboundPrivate }),
    onAttempt: (event, attempt) => {
      metrics?.webhooks.attempt(attempt.result)
      const { type } = event
      // The time of a retry, and why it comes; never where to.
      const line = { event: `webhook.${attempt.result}`, ...about(event), type, ...attempt }
      log[attempt.result === 'delivered' ? 'debug' : 'warn'](line)
    },
    onSize: (size) => metrics?.webhooks.size(size),
    onFault: (ref, err) => log.warn({ event: 'webhook.fault', ...about(ref), err }),
    onPollFault: (err) => log.warn({ event: 'webhook.fault', err }),
  })
}
