import type { Db } from '../../db/statement.ts'
import type { TrailRow } from '../../events/event-view.ts'
import { systemClock } from '../../lib/clock.ts'
import { TurnTaker } from '../../lib/turn-taker.ts'
import { JudgingTime } from '../judging-time.ts'
import { choosesName, KnownFilters } from '../routing-decision.ts'
import type { Subscription } from '../subscription-set.ts'
import { chooseEvents } from './choose-events.ts'
import { readSourcePage } from './read-source.ts'
import type { ReplayParameters, ReplaySource } from './replay-parameters.ts'
import { readTargetSubscriptions } from './replay-targets.ts'

/** What a replay would do if it were started now. */
export interface ReplayEstimate {
  /** Deliveries that it would make. */
  readonly count: number
  /** More was chosen than is counted; what was counted is taken for typical of the rest. */
  readonly is_estimated: boolean
  /** Events of the source that were looked at, for all targets together. */
  readonly looked_at: number
  /** Of the payloads, in UTF-8, about. */
  readonly bytes: number
  /** At the rate, if nothing has to wait. */
  readonly seconds: number
  /** Of those that were looked at. */
  readonly skipped: Readonly<Record<string, number>>
  readonly sample: readonly SampledEvent[]
}

export interface SampledEvent {
  readonly event_id: string
  readonly event_name: string
  readonly position: number
  readonly entity_type: string | null
  readonly entity_id: string | null
  readonly recorded_at: string
  readonly subscription_id: string
}

/** Somebody waits for it. By numbers of rows and not by time, so that the same question has the same answer. */
const LOOKED_MAX = 200_000
/** Where payloads or the ledger have to be read to tell. */
const JUDGED_MAX = 20_000
const PAGE_ROWS = 5_000
const JUDGED_PAGE_ROWS = 500
const SAMPLES_MAX = 10
/** Payloads whose size is known are taken for typical. */
const SIZED_MIN = 200
/** Filters are asked for so long at most, ms. */
const TIME_MAX_MS = 5_000

/** As the slices of the replay will choose, up to a bound; shared out evenly among the targets. */
export async function estimateReplay(
  db: Db,
  companyId: string,
  { source, target, mode, rate }: Pick<ReplayParameters, 'source' | 'target' | 'mode' | 'rate'>,
): Promise<ReplayEstimate> {
  const targets = await readTargetSubscriptions(db, companyId, target.subscription_ids, 0)
  const tally = new Tally()
  const share = 1 / target.subscription_ids.length
  const turns = new TurnTaker(() => systemClock.elapsed())
  const judges = {
    filters: new KnownFilters(),
    time: new JudgingTime(systemClock, TIME_MAX_MS),
    sourceFilter: source.filter && JSON.stringify(source.filter),
    turns,
  }
  for (const { subscription } of targets.values()) {
    const isJudged = mode !== 'all' || source.filter !== undefined || subscription.filter !== undefined
    const lookedMax = Math.ceil((isJudged ? JUDGED_MAX : LOOKED_MAX) * share)
    let after: number | null = source.from_position - 1
    let looked = 0
    const part = new Part()
    while (after !== null && looked < lookedMax && !judges.time.isUp()) {
      const isRead = isJudged || part.sized < SIZED_MIN
      const limit = Math.min(isRead ? JUDGED_PAGE_ROWS : PAGE_ROWS, lookedMax - looked)
      const page = await readSourcePage(db, companyId, source, after, limit)
      looked += page.rows.length
      if (isRead) {
        const found = await chooseEvents(db, subscription, page.rows, { mode, max: Infinity }, judges)
        part.addJudged(found.chosen)
        tally.add(subscription, found.chosen, found.skipped)
        after = found.looked === page.rows.length ? page.reached : (page.rows[found.looked - 1]?.position ?? after)
      } else {
        const named = page.rows.filter((row) => choosesName(subscription, row.event_name))
        part.count += named.length
        tally.skip('other_event_names', page.rows.length - named.length)
        after = page.reached
      }
      await turns.next()
    }
    tally.close(part, looked, after === null ? undefined : shareOf(source, after))
  }
  return tally.estimate(rate)
}

export async function countReplay(db: Db, companyId: string, parameters: ReplayParameters): Promise<number> {
  return (await estimateReplay(db, companyId, parameters)).count
}

/** Which part of the source lies before a position. */
function shareOf({ from_position: from, to_position: to }: ReplaySource, reached: number): number {
  return Math.max(1, reached - from + 1) / (to - from + 1)
}

interface Sized {
  readonly row: TrailRow
  readonly bytes: number
}

/** Of one target. */
class Part {
  count = 0
  bytes = 0
  sized = 0

  addJudged(chosen: readonly Sized[]): void {
    this.count += chosen.length
    this.sized += chosen.length
    for (const { bytes } of chosen) this.bytes += bytes
  }
}

class Tally {
  #count = 0
  #bytes = 0
  #looked = 0
  #isEstimated = false
  readonly #skipped = new Map<string, number>()
  readonly #sample: SampledEvent[] = []

  add({ id }: Subscription, chosen: readonly Sized[], skipped: ReadonlyMap<string, number>): void {
    for (const { row } of chosen.slice(0, SAMPLES_MAX - this.#sample.length)) this.#sample.push(toSample(row, id))
    for (const [reason, by] of skipped) this.skip(reason, by)
  }

  skip(reason: string, by: number): void {
    if (by > 0) this.#skipped.set(reason, (this.#skipped.get(reason) ?? 0) + by)
  }

  /** @param share of the source that was looked at; undefined: all of it */
  close({ count, bytes, sized }: Part, looked: number, share: number | undefined): void {
    const whole = count / (share ?? 1)
    this.#count += whole
    this.#bytes += sized === 0 ? 0 : (bytes / sized) * whole
    this.#looked += looked
    this.#isEstimated ||= share !== undefined
  }

  estimate(rate: number): ReplayEstimate {
    const count = Math.round(this.#count)
    return {
      count,
      is_estimated: this.#isEstimated,
      looked_at: this.#looked,
      bytes: Math.round(this.#bytes),
      seconds: Math.ceil(count / rate),
      skipped: Object.fromEntries(this.#skipped),
      sample: this.#sample,
    }
  }
}

function toSample(row: TrailRow, subscriptionId: string): SampledEvent {
  return {
    event_id: row.event_id,
    event_name: row.event_name,
    position: row.position,
    entity_type: row.entity_type,
    entity_id: row.entity_id,
    recorded_at: row.recorded_at.toISOString(),
    subscription_id: subscriptionId,
  }
}
