import type { RoutedEvent } from '../events/event.ts'
import type { Subscription } from './subscription-set.ts'

/** Deliveries of one subscription that are attempted one after the other, in the order of their positions. */
export interface Chain {
  readonly companyId: string
  readonly subscriptionId: string
  readonly orderKey: string
}

/**
 * What an event's delivery to this subscription comes in one order with; undefined when it waits for nobody. A type of
 * entities holds no slash, so no two entities share a key, and none has the empty one. In the order per entity an event that is about
 * no entity has nothing to come after.
 */
export function orderKeyOf(
  { ordering }: Pick<Subscription, 'ordering'>,
  { entity }: Pick<RoutedEvent, 'entity'>,
): string | undefined {
  if (ordering === 'subscription') return ''
  return ordering === 'entity' && entity ? `${entity.type}/${entity.id}` : undefined
}

/** For maps; neither of the two ids holds a slash. */
export function nameOfChain({ companyId, subscriptionId, orderKey }: Chain): string {
  return `${companyId}/${subscriptionId}/${orderKey}`
}

export function isOrdered({ ordering }: Pick<Subscription, 'ordering'>): boolean {
  return ordering !== 'none'
}

/**
 * What a delivery of a replay comes in one order with: those of the same replay about the same entity, whatever order the
 * subscription has. No key of an event as it happens begins with a slash, so neither waits for the other.
 */
export function replayOrderKeyOf(
  replayId: string,
  entityType: string | null,
  entityId: string | null,
): string | undefined {
  return entityType === null ? undefined : `/${replayId}/${entityType}/${entityId ?? ''}`
}
