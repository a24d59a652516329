import type { HeldEvent } from './held-event.ts'
import type { StreamPage } from './stream-page.ts'
import { makePage } from './stream-page.ts'
import type { StreamSelection } from './stream-selection.ts'
import { selects } from './stream-selection.ts'

/** Pages that were made in one round, shared by all listeners who want the same from the same position on. */
export type SharedPages = Map<StreamSelection, Map<number, StreamPage>>

const HELD_EVENTS_MAX = 1_000
const HELD_WEIGHT_MAX = 4 * 1024 * 1024

/** Names and filters of strangers are asked for this long, and then others have their turn. */
const LOOK_MAX_MS = 10

/**
 * The newest events of a company, without a gap, as long as somebody listens. They are read once for all listeners. Who
 * is so far behind that the next event is no longer held reads pages of the log by themselves.
 */
export class CompanyFeed {
  readonly companyId: string
  /** By position. */
  #held: HeldEvent[] = []
  /** When each of them was read. */
  #readAtMs: number[] = []
  #heldAfter: number
  #readTo: number
  #weight = 0
  readonly #selections = new Map<string, { readonly selection: StreamSelection; users: number }>()

  /** @param after the position behind which it begins */
  constructor(companyId: string, after: number) {
    this.companyId = companyId
    this.#heldAfter = after
    this.#readTo = after
  }

  /** The log was read up to this position. */
  get readTo(): number {
    return this.#readTo
  }

  get weight(): number {
    return this.#weight
  }

  /** One object stands for all selections of a key, until as many have given it back. */
  share(selection: StreamSelection): StreamSelection {
    const shared = this.#selections.get(selection.key) ?? { selection, users: 0 }
    shared.users++
    this.#selections.set(selection.key, shared)
    return shared.selection
  }

  giveBack({ key }: StreamSelection): void {
    const shared = this.#selections.get(key)
    if (shared && --shared.users === 0) this.#selections.delete(key)
  }

  /** The events behind {@link readTo}, up to a position. */
  append(events: readonly HeldEvent[], readTo: number, nowMs: number): void {
    for (const event of events) {
      this.#held.push(event)
      this.#readAtMs.push(nowMs)
      this.#weight += event.weight
    }
    this.#readTo = readTo
  }

  /** Keeps within the bounds of a feed; to be called when those who wait were given what there is. */
  trim(): void {
    let excess = Math.max(0, this.#held.length - HELD_EVENTS_MAX)
    let weight = this.#weight - sumOf(this.#held.slice(0, excess))
    for (; weight > HELD_WEIGHT_MAX; excess++) weight -= this.#held[excess]?.weight ?? weight
    this.#drop(excess)
  }

  /** Lets go of what was read before: whoever needs it reads it anew, as it is then. */
  forgetOlder(beforeMs: number): void {
    let count = 0
    while ((this.#readAtMs[count] ?? Infinity) < beforeMs) count++
    if (count > 0) this.#drop(count)
  }

  /** Lets go of the older half, where all feeds together hold too much. */
  halve(): void {
    this.#drop(Math.ceil(this.#held.length / 2))
  }

  /** What follows for a listener; undefined when that is no longer held, or cannot be told from what is. */
  pageAfter(selection: StreamSelection, after: number, shared?: SharedPages): StreamPage | undefined {
    if (after < this.#heldAfter) return undefined
    const known = shared?.get(selection)?.get(after)
    if (known) return known
    const wanted: HeldEvent[] = []
    const startMs = performance.now()
    let end = this.#readTo
    for (let index = this.#indexAfter(after); index < this.#held.length; index++) {
      const event = this.#held[index]
      if (!event) break
      const isWanted = selects(selection, event)
      if (isWanted === undefined) {
        end = event.position - 1
        break
      }
      if (isWanted) wanted.push(event)
      if (performance.now() - startMs > LOOK_MAX_MS) {
        end = event.position
        break
      }
    }
    if (end <= after) return undefined
    const page = makePage(wanted, selection, end)
    if (shared) {
      const pages = shared.get(selection) ?? new Map<number, StreamPage>()
      shared.set(selection, pages.set(after, page))
    }
    return page
  }

  forgetParsed(): void {
    for (const event of this.#held) event.forgetParsed()
  }

  #drop(count: number): void {
    const dropped = this.#held.splice(0, count)
    this.#readAtMs.splice(0, count)
    this.#heldAfter = dropped.at(-1)?.position ?? this.#heldAfter
    this.#weight -= sumOf(dropped)
  }

  /** Where the first event behind a position stands. Found from the end, where most listeners are. */
  #indexAfter(after: number): number {
    let index = this.#held.length
    while (index > 0 && (this.#held[index - 1]?.position ?? 0) > after) index--
    return index
  }
}

function sumOf(events: readonly HeldEvent[]): number {
  return events.reduce((sum, { weight }) => sum + weight, 0)
}
