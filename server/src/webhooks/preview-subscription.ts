import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { readLogged } from '../events/read-logged.ts'
import { RecentEvents } from '../events/recent-events.ts'
import type { FilterFailure } from '../lib/filter/condition.ts'
import { TurnTaker } from '../lib/turn-taker.ts'
import { choosesName, decideRouting, KnownFilters, toRoutable } from './routing-decision.ts'
import { checkNamesAndFilter } from './subscription-settings.ts'

export interface PreviewInput {
  readonly event_names: readonly string[]
  readonly filter?: object | null
  /** How many of the newest events are looked at. */
  readonly last?: number
}

/** What a subscription would have got of the newest events. */
export interface Preview {
  /** Events that were looked at; fewer than asked for when there are no more, or the time was up. */
  readonly considered: number
  readonly matched: number
  /** The range of positions that was looked at; null when there is no event. */
  readonly from_position: number | null
  readonly to_position: number | null
  /** Events whose name is chosen, by name. */
  readonly by_event_name: { readonly event_name: string; readonly named: number; readonly matched: number }[]
  /** The newest that match, and the newest that only the filter keeps out; ten of each. */
  readonly matches: PreviewedEvent[]
  readonly misses: (PreviewedEvent & { readonly failed_conditions: FilterFailure[] })[]
}

interface PreviewedEvent {
  readonly event_id: string
  readonly event_name: string
  readonly position: number
}

interface NewestRow {
  event_id: string
  event_name: string
  position: number
}

const readNewest = statement<[companyId: string, before: number | null, limit: number], NewestRow>(
  'preview.read_newest',
  `select event_id, event_name, position
     from event_audit_trail
    where company_id = $1 and ($2::bigint is null or position < $2)
    order by position desc
    limit $3`,
)

const LAST_DEFAULT = 1_000
const SAMPLES_MAX = 10
/** Payloads are up to 256 KiB, and a page of them is in memory at once. */
const PAGE_EVENTS = 50
const TIME_MAX_MS = 2_000

/**
 * Runs names and filter over the newest events, as routing would. Events of Daybook's own count where they are named.
 * Between two events others on this thread have their turn.
 * @param elapsedMs since it began; after two seconds it answers with what it has
 */
export async function previewSubscription(
  db: Db,
  companyId: string,
  input: PreviewInput,
  elapsedMs: () => number,
): Promise<Preview> {
  checkNamesAndFilter({ event_names: input.event_names, filter: input.filter ?? null })
  const last = input.last ?? LAST_DEFAULT
  const filter = input.filter ? JSON.stringify(input.filter) : undefined
  const subscription = { status: 'active', eventNames: input.event_names, filter } as const
  const filters = new KnownFilters()
  const turns = new TurnTaker(elapsedMs)
  const isUp = (): boolean => elapsedMs() >= TIME_MAX_MS
  const tally = new Tally()
  while (tally.considered < last && !isUp()) {
    const limit = Math.min(PAGE_EVENTS, last - tally.considered)
    const rows = await readNewest(db, companyId, tally.from, limit)
    const named = rows.filter((row) => choosesName(subscription, row.event_name)).map((row) => row.event_id)
    const logged = await readLogged(db, new RecentEvents(0), companyId, filter === undefined ? [] : named)
    for (const row of rows) {
      const event = logged.get(row.event_id)
      const asked = event ? toRoutable(event) : { eventName: row.event_name }
      tally.note(row, decideRouting(subscription, asked, filters))
      if (isUp()) break
      await turns.next()
    }
    if (rows.length < limit) break
  }
  return tally.preview()
}

class Tally {
  considered = 0
  from: number | null = null
  to: number | null = null
  readonly #byName = new Map<string, { named: number; matched: number }>()
  readonly #matches: PreviewedEvent[] = []
  readonly #misses: Preview['misses'] = []

  note({ event_id, event_name, position }: NewestRow, decision: ReturnType<typeof decideRouting>): void {
    const event = { event_id, event_name, position }
    this.considered++
    this.to ??= position
    this.from = position
    if (!decision.isOwed && decision.reason === 'other_event_names') return
    const counts = this.#byName.get(event_name) ?? { named: 0, matched: 0 }
    this.#byName.set(event_name, counts)
    counts.named++
    if (decision.isOwed) counts.matched++
    if (decision.isOwed && this.#matches.length < SAMPLES_MAX) this.#matches.push(event)
    if (!decision.isOwed && decision.reason === 'filter' && this.#misses.length < SAMPLES_MAX) {
      this.#misses.push({ ...event, failed_conditions: [...decision.failures()] })
    }
  }

  preview(): Preview {
    const byName = [...this.#byName].map(([event_name, counts]) => ({ event_name, ...counts }))
    return {
      considered: this.considered,
      matched: byName.reduce((sum, { matched }) => sum + matched, 0),
      from_position: this.from,
      to_position: this.to,
      by_event_name: byName.toSorted((a, b) => b.named - a.named),
      matches: this.#matches,
      misses: this.#misses,
    }
  }
}
