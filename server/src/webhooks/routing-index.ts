import { isReservedEventName } from '../events/event-names.ts'
import type { CompiledFilter } from '../lib/filter/compile-filter.ts'
import type { FilteredEvent } from '../lib/filter/event-fields.ts'
import { anchorOf } from '../lib/filter/filter-anchor.ts'
import { AnchoredFilters } from './anchored-filters.ts'
import { byId, mergeById } from './merge-by-id.ts'
import { isOrdered } from './order-key.ts'
import type { RoutableEvent } from './routing-decision.ts'
import { choosesName, parseFilter, readFilter } from './routing-decision.ts'
import type { Subscription } from './subscription-set.ts'

/** The part of a {@link JudgingTime} that is asked here. */
interface TimeLimit {
  isUpAfterFilter(): boolean
}

/**
 * Which of a company's active subscriptions an event is owed to, found without asking each of them.
 *
 * Subscriptions lie by their patterns of event names, of which at most seven can choose a name; but those whose filter has
 * an anchor lie by that alone: of a hundred thousand filters by branch, an event asks those of its own branch, and of
 * these those that chose its name. So the index grows with the names and the values that are stored, and not with their
 * product.
 */
export class RoutingIndex {
  readonly #byPattern = new Map<string, Bucket>()
  readonly #anchored = new AnchoredFilters<Asked>()
  /** Those with a filter. */
  readonly #asked = new Map<string, Asked>()
  /** Per event name; forgotten with every change. Names that the same patterns choose share one. */
  readonly #candidates = new Map<string, Candidates>()
  readonly #candidatesByPatterns = new Map<string, Candidates>()
  #idsMerged = 0

  add(subscription: Subscription): void {
    this.#forgetCandidates()
    const { filter, id, eventNames } = subscription
    const asked = filter === undefined ? undefined : new Asked(subscription, filter)
    const anchor = filter === undefined ? undefined : anchorOf(parseFilter(filter))
    if (asked) this.#asked.set(id, asked)
    if (asked && anchor) this.#anchored.add(id, anchor, asked)
    for (const pattern of eventNames) {
      let bucket = this.#byPattern.get(pattern)
      if (!bucket) this.#byPattern.set(pattern, (bucket = new Bucket()))
      if (!asked) bucket.addUnfiltered(subscription)
      else if (anchor) bucket.anchored++
      else bucket.unanchored.set(id, asked)
    }
  }

  remove({ id, eventNames, filter }: Subscription): void {
    this.#forgetCandidates()
    this.#asked.delete(id)
    const anchor = filter === undefined ? undefined : anchorOf(parseFilter(filter))
    if (anchor) this.#anchored.remove(id, anchor)
    for (const pattern of eventNames) {
      const bucket = this.#byPattern.get(pattern)
      if (!bucket) continue
      bucket.removeUnfiltered(id)
      bucket.unanchored.delete(id)
      if (anchor) bucket.anchored--
      if (bucket.isEmpty) this.#byPattern.delete(pattern)
    }
  }

  /** In the order of their ids; undefined if the time was up before it was known. */
  owed(event: RoutableEvent, time: TimeLimit): readonly Subscription[] | undefined {
    const { unfiltered, unanchored, hasAnchored } = this.#candidatesFor(event.eventName)
    const filtered = unanchored.length > 0 || hasAnchored ? event.filtered : undefined
    if (!filtered) return unfiltered
    const known = new Set<Asked>()
    const found: Subscription[] = []
    const isTimeLeft = (asked: Asked): boolean => {
      if (known.has(asked)) return true
      known.add(asked)
      if (asked.matches(filtered)) found.push(asked.subscription)
      return !time.isUpAfterFilter()
    }
    for (const bucket of unanchored) {
      for (const asked of bucket.unanchored.values()) if (!isTimeLeft(asked)) return undefined
    }
    for (const asked of hasAnchored ? this.#anchored.near(filtered) : []) {
      if (asked === 'next_path') {
        if (time.isUpAfterFilter()) return undefined
      } else if (choosesName(asked.subscription, event.eventName) && !isTimeLeft(asked)) {
        return undefined
      }
    }
    return found.length === 0 ? unfiltered : mergeById([unfiltered, found.sort(byId)])
  }

  /**
   * Of those in an order, and only of those, for an event that takes longer than there is time for: they cannot be owed
   * it later. When this time is up as well, what was not asked is owed it.
   */
  owedInOrder(event: RoutableEvent, time: TimeLimit): readonly Subscription[] {
    const { filtered, eventName } = event
    const { unfiltered } = this.#candidatesFor(eventName)
    const found = unfiltered.filter(isOrdered)
    let isUp = false
    for (const asked of this.#asked.values()) {
      const { subscription } = asked
      if (!isOrdered(subscription) || !choosesName(subscription, eventName)) continue
      if (isUp || !filtered || asked.matches(filtered)) found.push(subscription)
      isUp ||= time.isUpAfterFilter()
    }
    return found.sort(byId)
  }

  #candidatesFor(eventName: string): Candidates {
    let candidates = this.#candidates.get(eventName)
    if (!candidates) {
      candidates = this.#candidatesBy(patternsOf(eventName).filter((pattern) => this.#byPattern.has(pattern)))
      if (this.#candidates.size >= NAMES_REMEMBERED) this.#candidates.clear()
      this.#candidates.set(eventName, candidates)
    }
    return candidates
  }

  #candidatesBy(patterns: readonly string[]): Candidates {
    const key = patterns.join(' ')
    let candidates = this.#candidatesByPatterns.get(key)
    if (!candidates) {
      const buckets = patterns.flatMap((pattern) => this.#byPattern.get(pattern) ?? [])
      const lists = buckets.map((bucket) => bucket.unfiltered()).filter((list) => list.length > 0)
      candidates = {
        unfiltered: mergeById(lists),
        unanchored: buckets.filter((bucket) => bucket.unanchored.size > 0),
        hasAnchored: buckets.some((bucket) => bucket.anchored > 0),
      }
      if (lists.length > 1) this.#idsMerged += candidates.unfiltered.length
      if (this.#idsMerged > IDS_MERGED_MAX) this.#forgetCandidates()
      this.#candidatesByPatterns.set(key, candidates)
    }
    return candidates
  }

  #forgetCandidates(): void {
    this.#candidates.clear()
    this.#candidatesByPatterns.clear()
    this.#idsMerged = 0
  }
}

const NAMES_REMEMBERED = 10_000
/** In all merged lists that are remembered; 8 bytes each. */
const IDS_MERGED_MAX = 1_000_000

interface Candidates {
  readonly unfiltered: readonly Subscription[]
  readonly unanchored: readonly Bucket[]
  readonly hasAnchored: boolean
}

/** Compiled when it is first asked: of a hundred thousand filters most never are. */
class Asked {
  readonly subscription: Subscription
  readonly #text: string
  #filter: CompiledFilter | 'unreadable' | undefined

  constructor(subscription: Subscription, text: string) {
    this.subscription = subscription
    this.#text = text
  }

  matches(event: FilteredEvent): boolean {
    this.#filter ??= readFilter(this.#text) ?? 'unreadable'
    return this.#filter !== 'unreadable' && this.#filter.matches(event)
  }
}

/** The subscriptions of one pattern. */
class Bucket {
  readonly unanchored = new Map<string, Asked>()
  /** How many there are whose filters have an anchor. */
  anchored = 0
  readonly #unfiltered = new Map<string, Subscription>()
  #inOrder: readonly Subscription[] | undefined

  get isEmpty(): boolean {
    return this.#unfiltered.size === 0 && this.unanchored.size === 0 && this.anchored === 0
  }

  addUnfiltered(subscription: Subscription): void {
    this.#unfiltered.set(subscription.id, subscription)
    this.#inOrder = undefined
  }

  removeUnfiltered(id: string): void {
    if (this.#unfiltered.delete(id)) this.#inOrder = undefined
  }

  /** In the order of their ids. */
  unfiltered(): readonly Subscription[] {
    return (this.#inOrder ??= [...this.#unfiltered.values()].sort(byId))
  }
}

/** Every pattern that chooses the name; see `matchesEventName`. */
function patternsOf(eventName: string): readonly string[] {
  const patterns = isReservedEventName(eventName) ? [eventName] : [eventName, '*']
  for (let at = eventName.lastIndexOf('.'); at > 0; at = eventName.lastIndexOf('.', at - 1)) {
    patterns.push(`${eventName.slice(0, at)}.*`)
  }
  return patterns
}
