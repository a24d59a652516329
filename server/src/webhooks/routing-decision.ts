import type { LoggedEvent } from '../events/event.ts'
import { headerOf } from '../events/event.ts'
import { matchesEventName } from '../events/event-names.ts'
import type { CompiledFilter } from '../lib/filter/compile-filter.ts'
import { compileFilter } from '../lib/filter/compile-filter.ts'
import type { FilterFailure } from '../lib/filter/condition.ts'
import type { FilteredEvent } from '../lib/filter/event-fields.ts'
import { parseStoredJson } from '../lib/json-text.ts'
import type { Subscription } from './subscription-set.ts'

/** What a decision about an event reads of it. */
export interface RoutableEvent {
  readonly eventName: string
  /** Undefined where the event is stored no more; then filters are not asked. */
  readonly filtered?: FilteredEvent | undefined
}

export type RoutingDecision =
  | { readonly isOwed: true }
  | { readonly isOwed: false; readonly reason: 'not_active' | 'other_event_names' | 'filter_unreadable' }
  | { readonly isOwed: false; readonly reason: 'filter'; readonly failures: readonly FilterFailure[] }

/** Whether a subscription, as one of its versions has it, is owed an event, and if not, why. */
export function decideRouting(
  subscription: Pick<Subscription, 'status' | 'eventNames' | 'filter'>,
  { eventName, filtered }: RoutableEvent,
): RoutingDecision {
  if (subscription.status !== 'active') return { isOwed: false, reason: 'not_active' }
  if (!subscription.eventNames.some((pattern) => matchesEventName(pattern, eventName))) {
    return { isOwed: false, reason: 'other_event_names' }
  }
  if (subscription.filter === undefined || !filtered) return { isOwed: true }
  const filter = readFilter(subscription.filter)
  if (!filter) return { isOwed: false, reason: 'filter_unreadable' }
  if (filter.matches(filtered)) return { isOwed: true }
  return { isOwed: false, reason: 'filter', failures: filter.explain(filtered) }
}

export function toRoutable(event: LoggedEvent): RoutableEvent {
  return {
    eventName: event.eventName,
    /** Made when a filter is asked. */
    get filtered() {
      return toFiltered(event)
    },
  }
}

function toFiltered(event: LoggedEvent): FilteredEvent {
  const { company_id: _, ...fields } = headerOf(event)
  let parsed: { readonly payload: unknown } | undefined
  return {
    fields,
    /** Parsed when the first filter looks into it. */
    get payload() {
      return (parsed ??= { payload: parseStoredJson(event.payload) }).payload
    },
  }
}

/** Undefined for one that somebody spoiled in the database: it wants nothing, and routing goes on. */
export function readFilter(text: string): CompiledFilter | undefined {
  const compiled = compileFilter(parseFilter(text))
  return compiled.ok ? compiled : undefined
}

export function parseFilter(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
