import type { Db } from '../../db/statement.ts'
import type { TrailRow } from '../../events/event-view.ts'
import { systemClock } from '../../lib/clock.ts'
import { TurnTaker } from '../../lib/turn-taker.ts'
import type { Judges } from '../jobs/judge-rows.ts'
import { JudgingTime } from '../judging-time.ts'
import { choosesName, KnownFilters } from '../routing-decision.ts'
import type { Subscription } from '../subscription-set.ts'
import type { ChosenEvents } from './choose-events.ts'
import { chooseEvents } from './choose-events.ts'
import type { SourcePage } from './read-source.ts'
import { readSourcePage } from './read-source.ts'
import type { ReplayMode, ReplayParameters, ReplaySource } from './replay-parameters.ts'
import { readTargetSubscriptions } from './replay-targets.ts'
import type { SourceSpan } from './source-spans.ts'
import { countOfSpans, spansOf } from './source-spans.ts'

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
/** Of each span, before more is looked at of any: so all of them are seen, where time is short. */
const PROBED_ROWS = 50
/** Payloads are up to 256 KiB, and so many are in memory at once and taken apart without a pause. */
const CHUNK_EVENTS = 20
/** Somebody waits for it, ms. */
const TIME_MAX_MS = 5_000

/** Runs work in a transaction of its own that sees one company. */
export type InCompany = <Result>(work: (db: Db) => Promise<Result>) => Promise<Result>

type Order = Pick<ReplayParameters, 'source' | 'target' | 'mode' | 'rate'>

/**
 * As the slices of the replay will choose, up to a bound; rows and time are shared out evenly among the targets. Each page is
 * a transaction of its own, so nobody waits for a long one.
 */
export async function estimateReplay(
  inCompany: InCompany,
  companyId: string,
  { source, target, mode, rate }: Order,
): Promise<ReplayEstimate> {
  const ids = target.subscription_ids
  const targets = await inCompany((db) => readTargetSubscriptions(db, companyId, ids, { rateMax: 0 }))
  const turns = new TurnTaker(() => systemClock.elapsed())
  const filters = new KnownFilters()
  const sourceFilter = source.filter && JSON.stringify(source.filter)
  const endsMs = systemClock.elapsed() + TIME_MAX_MS
  const parts: Part[] = []
  for (const { subscription } of targets.values()) {
    const share = Math.max(0, endsMs - systemClock.elapsed()) / (targets.size - parts.length)
    const judges = { filters, sourceFilter, turns, time: new JudgingTime(systemClock, share) }
    const isJudged = mode !== 'all' || source.filter !== undefined || subscription.filter !== undefined
    const lookedMax = Math.ceil((isJudged ? JUDGED_MAX : LOOKED_MAX) / targets.size)
    const part = new Part(subscription, source, { isJudged, lookedMax })
    parts.push(part)
    await part.look(inCompany, mode, judges)
  }
  return sumOf(parts, rate)
}

export async function countReplay(db: Db, companyId: string, parameters: ReplayParameters): Promise<number> {
  return (await estimateReplay((work) => work(db), companyId, parameters)).count
}

/** Of one target. */
class Part {
  readonly spans: readonly SourceSpan[]
  readonly skipped = new Map<string, number>()
  readonly sample: SampledEvent[] = []
  looked = 0
  sized = 0
  bytes = 0
  readonly #subscription: Subscription
  readonly #source: ReplaySource
  readonly #isJudged: boolean
  readonly #lookedMax: number

  constructor(
    subscription: Subscription,
    source: ReplaySource,
    { isJudged, lookedMax }: { readonly isJudged: boolean; readonly lookedMax: number },
  ) {
    this.#subscription = subscription
    this.#source = source
    this.#isJudged = isJudged
    this.#lookedMax = lookedMax
    this.spans = spansOf(source, lookedMax)
  }

  /** A little of every span first, then more of those that are left, until the rows or the time are used up. */
  async look(inCompany: InCompany, mode: ReplayMode, judges: Judges): Promise<void> {
    let rows = this.spans.length > 1 ? PROBED_ROWS : this.#lookedMax
    for (let open = this.spans; open.length > 0; open = open.filter(({ after }) => after !== null)) {
      for (const span of open) {
        await this.#lookAt(inCompany, span, rows, mode, judges)
        if (this.#isUsedUp(judges)) return
      }
      rows = Math.ceil((this.#lookedMax - this.looked) / open.length)
    }
  }

  #isUsedUp({ time }: Judges): boolean {
    return this.looked >= this.#lookedMax || time.isUp()
  }

  async #lookAt(inCompany: InCompany, span: SourceSpan, rows: number, mode: ReplayMode, judges: Judges): Promise<void> {
    const end = Math.min(this.looked + rows, this.#lookedMax)
    do {
      const { after } = span
      if (after === null) return
      const isRead = this.#isJudged || this.sized < SIZED_MIN
      const limit = Math.min(isRead ? JUDGED_PAGE_ROWS : PAGE_ROWS, end - this.looked)
      const reached = await inCompany(async (db) => {
        const source = { ...this.#source, from_position: span.from, to_position: span.to }
        const page = await readSourcePage(db, this.#subscription.companyId, source, after, limit)
        this.looked += page.rows.length
        if (!isRead) return this.#countNamed(span, page)
        const choice = { mode, max: Infinity, chunk: CHUNK_EVENTS }
        const found = await chooseEvents(db, this.#subscription, page.rows, choice, judges)
        this.#add(span, found)
        return found.looked === page.rows.length ? page.reached : (page.rows[found.looked - 1]?.position ?? after)
      })
      span.after = reached !== null && reached < span.to ? reached : null
      await judges.turns?.next()
    } while (this.looked < end && !judges.time.isUp())
  }

  #countNamed(span: SourceSpan, { rows, reached }: SourcePage): number | null {
    const named = rows.filter((row) => choosesName(this.#subscription, row.event_name))
    span.count += named.length
    this.#skip('other_event_names', rows.length - named.length)
    return reached
  }

  #add(span: SourceSpan, { chosen, skipped }: ChosenEvents): void {
    span.count += chosen.length
    this.sized += chosen.length
    for (const { bytes } of chosen) this.bytes += bytes
    for (const { row } of chosen.slice(0, SAMPLES_MAX - this.sample.length)) {
      this.sample.push(toSample(row, this.#subscription.id))
    }
    for (const [reason, by] of skipped) this.#skip(reason, by)
  }

  #skip(reason: string, by: number): void {
    if (by > 0) this.skipped.set(reason, (this.skipped.get(reason) ?? 0) + by)
  }
}

function sumOf(parts: readonly Part[], rate: number): ReplayEstimate {
  let [count, bytes, looked] = [0, 0, 0]
  const skipped = new Map<string, number>()
  for (const part of parts) {
    const chosen = countOfSpans(part.spans)
    count += chosen
    bytes += part.sized === 0 ? 0 : (part.bytes / part.sized) * chosen
    looked += part.looked
    for (const [reason, by] of part.skipped) skipped.set(reason, (skipped.get(reason) ?? 0) + by)
  }
  return {
    count: Math.round(count),
    is_estimated: parts.some(({ spans }) => spans.some(({ after }) => after !== null)),
    looked_at: looked,
    bytes: Math.round(bytes),
    seconds: Math.ceil(Math.round(count) / rate),
    skipped: Object.fromEntries(skipped),
    sample: parts.flatMap(({ sample }) => sample).slice(0, SAMPLES_MAX),
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
