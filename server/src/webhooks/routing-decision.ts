import type { LoggedEvent } from '../events/event.ts'
import { headerOf } from '../events/event.ts'
import { matchesEventName } from '../events/event-names.ts'
import type { CompiledFilter } from '../lib/filter/compile-filter.ts'
import { compileFilter } from '../lib/filter/compile-filter.ts'
import type { FilterFailure } from '../lib/filter/condition.ts'
import type { FilteredEvent } from '../lib/filter/event-fields.ts'
import { parseStoredJson } from '../lib/json-text.ts'
import { RecentMap } from '../lib/recent-map.ts'
import type { Subscription } from './subscription-set.ts'

/** What a decision about an event reads of it. */
export interface RoutableEvent {
  readonly eventName: string
  /** Undefined where the event is stored no more; then filters are not asked. */
  readonly filtered?: FilteredEvent | undefined
}

export type RoutingDecision =
  /** `filter_too_costly`: it cannot be said whether the filter wants the event, which is sent rather than lost. */
  | { readonly isOwed: true; readonly reason: 'filter_too_costly' | null }
  | { readonly isOwed: false; readonly reason: 'not_active' | 'held' | 'other_event_names' | 'filter_unreadable' }
  | {
      readonly isOwed: false
      readonly reason: 'filter'
      /** Found when they are asked for, which costs as much as the decision or more. */
      readonly failures: () => readonly FilterFailure[]
    }

/**
 * Whether a subscription, as one of its versions has it, is owed an event, and if not, why.
 * @param filters of whoever decides more than once
 */
export function decideRouting(
  subscription: Pick<Subscription, 'status' | 'eventNames' | 'filter' | 'heldBy'>,
  { eventName, filtered }: RoutableEvent,
  filters = new KnownFilters(),
): RoutingDecision {
  if (subscription.status !== 'active') return { isOwed: false, reason: 'not_active' }
  if (subscription.heldBy !== undefined) return { isOwed: false, reason: 'held' }
  if (!choosesName(subscription, eventName)) return { isOwed: false, reason: 'other_event_names' }
  if (subscription.filter === undefined || !filtered) return { isOwed: true, reason: null }
  const filter = filters.read(subscription.filter)
  if (!filter) return { isOwed: false, reason: 'filter_unreadable' }
  const verdict = filter.judge(filtered)
  if (verdict === 'wanted') return { isOwed: true, reason: null }
  if (verdict === 'too_costly') return { isOwed: true, reason: 'filter_too_costly' }
  return { isOwed: false, reason: 'filter', failures: () => filter.explain(filtered) }
}

export function choosesName({ eventNames }: Pick<Subscription, 'eventNames'>, eventName: string): boolean {
  return eventNames.some((pattern) => matchesEventName(pattern, eventName))
}

/** Made when a filter is asked, once for all filters; the payload is parsed when the first filter looks into it. */
export function toRoutable(event: LoggedEvent): RoutableEvent {
  let filtered: FilteredEvent | undefined
  return {
    eventName: event.eventName,
    get filtered() {
      return (filtered ??= toFiltered(event))
    },
  }
}

function toFiltered(event: LoggedEvent): FilteredEvent {
  const { company_id: _, ...fields } = headerOf(event)
  let parsed: { readonly payload: unknown } | undefined
  return {
    fields,
    get payload() {
      return (parsed ??= { payload: parseStoredJson(event.payload) }).payload
    },
  }
}

/** Compiled, the largest filter takes some hundred kilobytes. */
const FILTERS_KNOWN = 16

/** Filters as they were last read, so that one is compiled once for many events and for many subscriptions that share it. */
export class KnownFilters {
  readonly #byText = new RecentMap<CompiledFilter | 'unreadable'>(FILTERS_KNOWN)

  read(text: string): CompiledFilter | undefined {
    let known = this.#byText.get(text)
    if (known === undefined) this.#byText.set(text, (known = readFilter(text) ?? 'unreadable'))
    return known === 'unreadable' ? undefined : known
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
