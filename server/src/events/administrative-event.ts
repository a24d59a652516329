import { hash } from 'node:crypto'
import { eventDigest, newSalt } from '../lib/digest.ts'
import { newId } from '../lib/ids.ts'
import type { Actor, EntityRef, NewEvent } from './event.ts'
import { headerOf } from './event.ts'

/** Who changes something, and when; comes from the request, or is the system itself. */
export interface Author {
  readonly actor: Actor
  readonly nowMs: number
}

export const systemActor: Actor = { type: 'system', id: 'daybook' }

/**
 * The event that tells of an administrative change: `daybook.subscription.created` and the like. It is inserted in the
 * transaction of the change, so there is never one without the other. `payload` must hold no secret.
 */
export function administrativeEvent(
  author: Author,
  change: {
    readonly companyId: string
    readonly eventName: `daybook.${string}`
    readonly entity: EntityRef
    readonly payload: { readonly before?: unknown; readonly after?: unknown; readonly [member: string]: unknown }
  },
): NewEvent {
  const payload = JSON.stringify(change.payload)
  const at = new Date(author.nowMs).toISOString()
  const draft = {
    companyId: change.companyId,
    id: newId(author.nowMs),
    eventName: change.eventName,
    definitionVersion: null,
    entity: change.entity,
    related: [],
    actor: author.actor,
    source: 'daybook',
    correlationId: undefined,
    causationId: undefined,
    occurredAt: at,
    recordedAt: at,
    payload,
    idempotencyKey: undefined,
  }
  const salt = newSalt()
  return {
    ...draft,
    salt,
    digest: eventDigest(headerOf(draft), salt, payload),
    contentDigest: hash('sha256', payload, 'buffer'),
  }
}
