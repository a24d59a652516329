import { newId } from '../../src/lib/ids.ts'
import type { CallCredentials } from '../../src/webhooks/call-credentials.ts'
import type { DeliverableSubscription } from '../../src/webhooks/deliverables.ts'
import type { Handed } from '../../src/webhooks/hand-over.ts'
import { OutgoingEvent } from '../../src/webhooks/outgoing-event.ts'
import { decodeSigningSecret } from '../../src/webhooks/sign.ts'
import { newEvent } from './new-event.ts'

export const testSecret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`

/** A delivery to `url` as a dispatcher gets it, without a database behind it. */
export function testDelivery(url: string, wishes: Partial<DeliverableSubscription> & CallCredentials = {}): Handed {
  const companyId = wishes.companyId ?? newId()
  const event = newEvent(companyId, { event_name: 'appointment.created' }, '{"n":1.0}')
  const subscription = {
    companyId,
    id: newId(),
    version: 1,
    eventNames: ['*'],
    filter: undefined,
    ordering: 'none' as const,
    status: 'active' as const,
    concurrency: 1,
    timeoutMs: 5_000,
    webhookUrl: url,
    url: new URL(url),
    customHeaders: [],
    format: 'daybook' as const,
    retrySchedule: undefined,
    secrets: [{ key: decodeSigningSecret(testSecret), expiresAtMs: Infinity }],
    ...wishes,
  }
  return {
    id: newId(),
    event: new OutgoingEvent(companyId, event.id, 1, event),
    subscription,
    leaseToken: newId(),
    attemptNo: 1,
    firstAttemptNo: 1,
  }
}
