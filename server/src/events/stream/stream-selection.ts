import type { FilteredEvent } from '../../lib/filter/event-fields.ts'
import type { EntityRef } from '../event.ts'
import type { EventFilter } from '../event-conditions.ts'
import { matchesEventName } from '../event-names.ts'
import type { ChosenFields, EventView } from '../event-view.ts'
import type { EventTests } from '../read-events.ts'

/** What a listener wants of each event: which ones, and which members of them. */
export interface StreamSelection {
  /** Selections of the same key are the same. */
  readonly key: string
  readonly filter: Omit<EventFilter, 'from' | 'to'>
  readonly tests: Pick<EventTests, 'filter'>
  readonly fields: ChosenFields
}

/** An event that is looked at by many: its payload is parsed once at most. */
export interface LookedAt {
  readonly view: EventView
  filtered(): FilteredEvent
}

/**
 * Whether the event is wanted, by the same rules as the conditions of `event-conditions.ts`. Undefined where the event alone
 * does not tell: when its payload has expired, the entities that it names as related stand in the index only.
 */
export function selects({ filter, tests }: StreamSelection, event: LookedAt): boolean | undefined {
  const { view } = event
  const { event_names: names, actor, source, correlation_id: correlationId } = filter
  if (names && !names.some((pattern) => matchesEventName(pattern, view.event_name))) return false
  if (actor && !isSame(actor, view.actor)) return false
  if (source !== undefined && source !== view.source) return false
  if (correlationId !== undefined && correlationId !== view.correlation_id) return false
  const ofEntities = selectsEntities(filter, view)
  if (ofEntities !== true) return ofEntities
  return !tests.filter || (!view.payload_expired && tests.filter.matches(event.filtered()))
}

function selectsEntities(
  { entity, include_related: includeRelated, related }: StreamSelection['filter'],
  view: EventView,
): boolean | undefined {
  const own = view.entity_type === null || view.entity_id === null ? null : ref(view.entity_type, view.entity_id)
  const isAbout = (wanted: EntityRef): boolean => isSame(wanted, own)
  // An entity that is named as both counts as what the event is about.
  const names = (wanted: EntityRef): boolean => !isAbout(wanted) && view.related.some((one) => isSame(wanted, one))
  if (entity && !isAbout(entity)) {
    if (!includeRelated) return false
    if (view.payload_expired) return undefined
    if (!names(entity)) return false
  }
  if (!related) return true
  if (isAbout(related)) return false
  return view.payload_expired ? undefined : names(related)
}

function ref(type: string, id: string): EntityRef {
  return { type, id }
}

function isSame(wanted: EntityRef, found: EntityRef | null): boolean {
  return found !== null && wanted.type === found.type && wanted.id === found.id
}
