import { isReservedEventName } from '../events/event-names.ts'
import type { CompiledFilter } from '../lib/filter/compile-filter.ts'
import type { FilteredEvent } from '../lib/filter/event-fields.ts'
import type { FilterAnchor } from '../lib/filter/filter-anchor.ts'
import { anchorOf, anchorValues } from '../lib/filter/filter-anchor.ts'
import type { RoutableEvent } from './routing-decision.ts'
import { parseFilter, readFilter } from './routing-decision.ts'
import type { Subscription } from './subscription-set.ts'

/**
 * Which of a company's active subscriptions an event is owed to, found without asking each of them.
 *
 * Subscriptions lie by their patterns of event names, of which at most seven can choose a name. Those with a filter lie by
 * the filter's anchor, if it has one: of a hundred thousand filters by branch, an event asks those of its own branch.
 */
export class RoutingIndex {
  readonly #byPattern = new Map<string, Bucket>()
  /** Per event name; forgotten with every change. */
  readonly #candidates = new Map<string, Candidates>()

  add(subscription: Subscription): void {
    this.#candidates.clear()
    for (const pattern of subscription.eventNames) {
      let bucket = this.#byPattern.get(pattern)
      if (!bucket) this.#byPattern.set(pattern, (bucket = new Bucket()))
      bucket.add(subscription)
    }
  }

  remove(subscription: Subscription): void {
    this.#candidates.clear()
    for (const pattern of subscription.eventNames) {
      const bucket = this.#byPattern.get(pattern)
      bucket?.remove(subscription)
      if (bucket?.isEmpty) this.#byPattern.delete(pattern)
    }
  }

  /** In the order of their ids. */
  owed(event: RoutableEvent): readonly Subscription[] {
    const { unfiltered, buckets } = this.#candidatesFor(event.eventName)
    const filtered = buckets.length > 0 ? event.filtered : undefined
    if (!filtered) return unfiltered
    const found = new Map(unfiltered.map((one) => [one.id, one]))
    for (const bucket of buckets) {
      for (const asked of bucket.asked(filtered)) {
        const { subscription } = asked
        if (!found.has(subscription.id) && asked.matches(filtered)) found.set(subscription.id, subscription)
      }
    }
    return [...found.values()].sort(byId)
  }

  #candidatesFor(eventName: string): Candidates {
    let candidates = this.#candidates.get(eventName)
    if (!candidates) {
      const buckets = patternsOf(eventName).flatMap((pattern) => this.#byPattern.get(pattern) ?? [])
      const unfiltered = new Map(buckets.flatMap((bucket) => [...bucket.unfiltered]))
      candidates = {
        unfiltered: [...unfiltered.values()].sort(byId),
        buckets: buckets.filter((bucket) => bucket.hasFilters),
      }
      if (this.#candidates.size >= NAMES_REMEMBERED) this.#candidates.clear()
      this.#candidates.set(eventName, candidates)
    }
    return candidates
  }
}

const NAMES_REMEMBERED = 10_000

interface Candidates {
  readonly unfiltered: readonly Subscription[]
  readonly buckets: readonly Bucket[]
}

/** Compiled when it is first asked: of a hundred thousand filters most never are. */
class Asked {
  readonly subscription: Subscription
  #filter: CompiledFilter | 'unreadable' | undefined

  constructor(subscription: Subscription) {
    this.subscription = subscription
  }

  matches(event: FilteredEvent): boolean {
    this.#filter ??= readFilter(this.subscription.filter ?? '{}') ?? 'unreadable'
    return this.#filter !== 'unreadable' && this.#filter.matches(event)
  }
}

/** The subscriptions of one pattern. */
class Bucket {
  readonly unfiltered = new Map<string, Subscription>()
  readonly #unanchored = new Map<string, Asked>()
  /** By the path of their anchors as JSON, then by value. */
  readonly #anchored = new Map<string, { readonly keys: readonly string[]; readonly byValue: ByValue }>()

  get hasFilters(): boolean {
    return this.#unanchored.size > 0 || this.#anchored.size > 0
  }

  get isEmpty(): boolean {
    return this.unfiltered.size === 0 && !this.hasFilters
  }

  add(subscription: Subscription): void {
    if (subscription.filter === undefined) {
      this.unfiltered.set(subscription.id, subscription)
      return
    }
    const asked = new Asked(subscription)
    const anchor = anchorOf(parseFilter(subscription.filter))
    if (!anchor) this.#unanchored.set(subscription.id, asked)
    else for (const { value, byValue } of this.#placesOf(anchor)) sub(byValue, value).set(subscription.id, asked)
  }

  remove(subscription: Subscription): void {
    this.unfiltered.delete(subscription.id)
    this.#unanchored.delete(subscription.id)
    if (subscription.filter === undefined) return
    const anchor = anchorOf(parseFilter(subscription.filter))
    if (!anchor) return
    for (const { value, byValue } of this.#placesOf(anchor)) {
      const own = byValue.get(value)
      own?.delete(subscription.id)
      if (own?.size === 0) byValue.delete(value)
    }
    const path = JSON.stringify(anchor.keys)
    if (this.#anchored.get(path)?.byValue.size === 0) this.#anchored.delete(path)
  }

  /** Those whose filters could let the event through. */
  *asked(event: FilteredEvent): Iterable<Asked> {
    yield* this.#unanchored.values()
    for (const { keys, byValue } of this.#anchored.values()) {
      for (const value of new Set(anchorValues(event, keys))) yield* byValue.get(value)?.values() ?? []
    }
  }

  *#placesOf({ keys, values }: FilterAnchor): Iterable<{ value: unknown; byValue: ByValue }> {
    const path = JSON.stringify(keys)
    let place = this.#anchored.get(path)
    if (!place) this.#anchored.set(path, (place = { keys, byValue: new Map() }))
    for (const value of values) yield { value, byValue: place.byValue }
  }
}

type ByValue = Map<unknown, Map<string, Asked>>

function sub(byValue: ByValue, value: unknown): Map<string, Asked> {
  let own = byValue.get(value)
  if (!own) byValue.set(value, (own = new Map()))
  return own
}

/** Every pattern that chooses the name; see `matchesEventName`. */
function patternsOf(eventName: string): readonly string[] {
  const patterns = isReservedEventName(eventName) ? [eventName] : [eventName, '*']
  for (let at = eventName.lastIndexOf('.'); at > 0; at = eventName.lastIndexOf('.', at - 1)) {
    patterns.push(`${eventName.slice(0, at)}.*`)
  }
  return patterns
}

function byId(a: Subscription, b: Subscription): number {
  return a.id < b.id ? -1 : 1
}
