import type { DbPool } from '../db/pools.ts'
import type { Db } from '../db/statement.ts'
import { inTransaction, isServerTrouble } from '../db/transaction.ts'
import type { Clock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import { GroupCommit } from '../lib/group-commit.ts'
import { breakerChanges } from './breaker-changes.ts'
import type { BreakerRule } from './breaker.ts'
import { callKindOf, isClean } from './breaker.ts'
import type { DisableDue } from './count-failures.ts'
import { countFailures } from './count-failures.ts'
import type { Lanes } from './lanes.ts'
import type { AttemptRecord } from './record-results.ts'
import { promoteNext } from './promote-next.ts'
import { recordResults } from './record-results.ts'
import { lockFreeSubscriptions, writeBreakers } from './subscription-health.ts'

export interface ResultWriterOptions<Call> {
  readonly pool: DbPool
  readonly clock: Clock
  readonly lanes: Lanes
  readonly breakerRule: BreakerRule
  readonly onDisableDue: (due: readonly DisableDue[]) => void
  readonly onError: (error: unknown) => void
  /** Told of results that came too late: their lease was over and another process has the delivery. */
  readonly onFenced?: (count: number) => void
  /** Told of calls whose results are written, or can be written no more. */
  readonly onWritten: (calls: readonly Call[]) => void
}

interface Outcome<Call> {
  readonly call: Call
  readonly record: AttemptRecord
  readonly leaseEndsAt: number
  /** How long it waits when its subscription is locked by somebody else, ms. */
  readonly waitMs: number
}

const RESULTS_PER_COMMIT = 256
const COMMITS_AT_ONCE = 2

/** The first wait is about as long as a claim takes, the others grow to this. */
const WAIT_FIRST_MS = 2
const WAIT_MAX_MS = 50

/**
 * Writes how calls ended, many in one commit, with what follows for their subscriptions: failures in a row, breakers, and
 * who is next in a chain.
 *
 * Results that tell nothing new of their subscription are `plain`: its health is not read, and written once a second at
 * most. All others are `news`, and so are those of ordered deliveries: they are written under the lock of the subscription.
 * What somebody else has locked is put back and waits by itself, until its lease ends; so a process that froze holding
 * one subscription keeps the results of no other.
 */
export class ResultWriter<Call> {
  readonly #options: ResultWriterOptions<Call>
  readonly #plain: GroupCommit<Outcome<Call>>
  readonly #news: GroupCommit<Outcome<Call>>
  /** Those that wait for the lock of their subscription. */
  readonly #putBack = new Set<Promise<void>>()

  constructor(options: ResultWriterOptions<Call>) {
    this.#options = options
    this.#plain = groupCommit(
      async (outcomes) => await this.#record(outcomes, async (some) => await this.#writePlain(some)),
    )
    this.#news = groupCommit(
      async (outcomes) => await this.#record(outcomes, async (some) => await this.#writeNews(some)),
    )
  }

  /**
   * @param isOrdered others wait for this delivery's end
   * @param leaseMs for how long the result counts, ms; it is tried to be written until then
   */
  add(call: Call, record: AttemptRecord, isOrdered: boolean, leaseMs: number): void {
    const leaseEndsAt = this.#options.clock.elapsed() + leaseMs
    const commits = isOrdered || this.#isNews(record) ? this.#news : this.#plain
    commits.add({ call, record, leaseEndsAt, waitMs: WAIT_FIRST_MS })
  }

  async idle(): Promise<void> {
    do {
      await Promise.all([this.#plain.idle(), this.#news.idle(), ...this.#putBack])
    } while (this.#putBack.size > 0 || this.#news.waiting > 0)
  }

  /**
   * Never rejects. What fails is halved until the guilty result is alone.
   * @param write answers with those that it did not write because their subscription was locked
   */
  async #record(outcomes: readonly Outcome<Call>[], write: Write<Call>): Promise<void> {
    const { clock, onError, onWritten } = this.#options
    let busy: readonly Outcome<Call>[] = []
    for (;;) {
      try {
        busy = await write(outcomes)
        break
      } catch (error) {
        onError(error)
        if (!isServerTrouble(error) && outcomes.length > 1) {
          const middle = Math.ceil(outcomes.length / 2)
          await this.#record(outcomes.slice(0, middle), write)
          await this.#record(outcomes.slice(middle), write)
          return
        }
        const lastChance = Math.max(...outcomes.map(({ leaseEndsAt }) => leaseEndsAt))
        if (clock.elapsed() > lastChance) break
        await clock.sleep(250)
      }
    }
    const waiting = new Set(busy.filter(({ leaseEndsAt }) => leaseEndsAt >= clock.elapsed()))
    if (waiting.size < busy.length) onError(new Error('A subscription was locked until leases of it had ended'))
    for (const outcome of waiting) {
      const added = this.#addLater(outcome).finally(() => this.#putBack.delete(added))
      this.#putBack.add(added)
    }
    onWritten(outcomes.filter((one) => !waiting.has(one)).map(({ call }) => call))
  }

  async #addLater(outcome: Outcome<Call>): Promise<void> {
    const { waitMs } = outcome
    await this.#options.clock.sleep(waitMs)
    this.#news.add({ ...outcome, waitMs: Math.min(WAIT_MAX_MS, 2 * waitMs) })
  }

  async #writePlain(outcomes: readonly Outcome<Call>[]): Promise<readonly Outcome<Call>[]> {
    const { late } = await recordResults(this.#options.pool, outcomes.map(toRecord))
    await this.#afterCommit(late)
    return []
  }

  async #afterCommit(late: ReadonlySet<string>): Promise<void> {
    await failpoint('delivery.after_record')
    if (late.size > 0) this.#options.onFenced?.(late.size)
  }

  /** Whether it may change what is known of its subscription; one success after the other does not. */
  #isNews({ companyId, subscriptionId, outcome, reason }: AttemptRecord): boolean {
    if (outcome !== 'delivered' || callKindOf(reason) !== 'answered') return true
    return !isClean(this.#options.lanes.of(companyId, subscriptionId).breaker)
  }

  async #writeNews(outcomes: readonly Outcome<Call>[]): Promise<readonly Outcome<Call>[]> {
    const { pool, clock, lanes, onDisableDue } = this.#options
    const { busy, late, due, changes, promoted } = await inTransaction(
      pool,
      async (db) => await this.#inTransaction(db, outcomes),
    )
    for (const { companyId, subscriptionId, breaker } of changes) {
      const lane = lanes.of(companyId, subscriptionId)
      lane.breaker = breaker
      if (breaker.state === 'open') lane.notBeforeMs = clock.elapsed() + breaker.openMs
    }
    for (const { companyId, subscriptionId } of promoted) lanes.of(companyId, subscriptionId).mayHaveDue = true
    if (due.length > 0) onDisableDue(due)
    await this.#afterCommit(late)
    return busy
  }

  async #inTransaction(db: Db, outcomes: readonly Outcome<Call>[]) {
    const locked = await lockFreeSubscriptions(db, outcomes.map(toRecord))
    const isFree = ({ record }: Outcome<Call>): boolean => locked.has(record.subscriptionId)
    const busy = outcomes.filter((one) => !isFree(one))
    const records = outcomes.filter(isFree).map(toRecord)
    if (records.length === 0) return { busy, late: new Set<string>(), due: [], changes: [], promoted: [] }
    const { late, ended } = await recordResults(db, records)
    await failpoint('delivery.mid_record')
    const counted = records.filter((one) => !late.has(one.deliveryId))
    const due = counted.some(({ outcome }) => outcome === 'failed') ? await countFailures(db, counted) : []
    const changes = breakerChanges(locked, counted, this.#options.breakerRule)
    await writeBreakers(db, changes)
    return { busy, late, due, changes, promoted: await promoteNext(db, ended) }
  }
}

type Write<Call> = (outcomes: readonly Outcome<Call>[]) => Promise<readonly Outcome<Call>[]>

function toRecord({ record }: Outcome<unknown>): AttemptRecord {
  return record
}

function groupCommit<Call>(write: (outcomes: readonly Outcome<Call>[]) => Promise<void>): GroupCommit<Outcome<Call>> {
  return new GroupCommit({ write, weight: () => 1, weightMax: RESULTS_PER_COMMIT, writersMax: COMMITS_AT_ONCE })
}
