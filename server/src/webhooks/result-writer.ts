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
import { lockSubscriptions, writeBreakers } from './subscription-health.ts'

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
  readonly isOrdered: boolean
  readonly leaseEndsAt: number
}

const RESULTS_PER_COMMIT = 256
const COMMITS_AT_ONCE = 2

/**
 * Writes how calls ended, many in one commit, with what follows for their subscriptions: failures in a row, breakers, and
 * who is next in a chain. While nothing new is learned of a subscription, its health is not read, and written once a second
 * at most; one with an ordered delivery among the results is locked.
 */
export class ResultWriter<Call> {
  readonly #options: ResultWriterOptions<Call>
  readonly #commits: GroupCommit<Outcome<Call>>

  constructor(options: ResultWriterOptions<Call>) {
    this.#options = options
    this.#commits = new GroupCommit<Outcome<Call>>({
      write: async (outcomes) => await this.#record(outcomes),
      weight: () => 1,
      weightMax: RESULTS_PER_COMMIT,
      writersMax: COMMITS_AT_ONCE,
    })
  }

  /**
   * @param isOrdered others wait for this delivery's end
   * @param leaseMs for how long the result counts, ms; it is tried to be written until then
   */
  add(call: Call, record: AttemptRecord, isOrdered: boolean, leaseMs: number): void {
    this.#commits.add({ call, record, isOrdered, leaseEndsAt: this.#options.clock.elapsed() + leaseMs })
  }

  async idle(): Promise<void> {
    await this.#commits.idle()
  }

  /** Never rejects. What fails is halved until the guilty result is alone. */
  async #record(outcomes: readonly Outcome<Call>[]): Promise<void> {
    const { clock, onError, onWritten } = this.#options
    for (;;) {
      try {
        await this.#write(outcomes)
        break
      } catch (error) {
        onError(error)
        if (!isServerTrouble(error) && outcomes.length > 1) {
          const middle = Math.ceil(outcomes.length / 2)
          await this.#record(outcomes.slice(0, middle))
          await this.#record(outcomes.slice(middle))
          return
        }
        const lastChance = Math.max(...outcomes.map(({ leaseEndsAt }) => leaseEndsAt))
        if (clock.elapsed() > lastChance) break
        await clock.sleep(250)
      }
    }
    onWritten(outcomes.map(({ call }) => call))
  }

  async #write(outcomes: readonly Outcome<Call>[]): Promise<void> {
    const { pool, onFenced } = this.#options
    const records = outcomes.map(({ record }) => record)
    const late = outcomes.some(({ record, isOrdered }) => isOrdered || this.#isNews(record))
      ? await this.#writeNews(records)
      : (await recordResults(pool, records)).late
    await failpoint('delivery.after_record')
    if (late.size > 0) onFenced?.(late.size)
  }

  /** Whether it may change what is known of its subscription; one success after the other does not. */
  #isNews({ companyId, subscriptionId, outcome, reason }: AttemptRecord): boolean {
    if (outcome !== 'delivered' || callKindOf(reason) !== 'answered') return true
    return !isClean(this.#options.lanes.of(companyId, subscriptionId).breaker)
  }

  async #writeNews(records: readonly AttemptRecord[]): Promise<ReadonlySet<string>> {
    const { pool, clock, lanes, onDisableDue } = this.#options
    const { late, due, changes, promoted } = await inTransaction(
      pool,
      async (db) => await this.#inTransaction(db, records),
    )
    for (const { companyId, subscriptionId, breaker } of changes) {
      const lane = lanes.of(companyId, subscriptionId)
      lane.breaker = breaker
      if (breaker.state === 'open') lane.notBeforeMs = clock.elapsed() + breaker.openMs
    }
    for (const { companyId, subscriptionId } of promoted) lanes.of(companyId, subscriptionId).mayHaveDue = true
    if (due.length > 0) onDisableDue(due)
    return late
  }

  async #inTransaction(db: Db, records: readonly AttemptRecord[]) {
    const locked = await lockSubscriptions(db, records)
    const { late, ended } = await recordResults(db, records)
    await failpoint('delivery.mid_record')
    const counted = records.filter((one) => !late.has(one.deliveryId))
    const due = counted.some(({ outcome }) => outcome === 'failed') ? await countFailures(db, counted) : []
    const changes = breakerChanges(locked, counted, this.#options.breakerRule)
    await writeBreakers(db, changes)
    return { late, due, changes, promoted: await promoteNext(db, ended) }
  }
}
