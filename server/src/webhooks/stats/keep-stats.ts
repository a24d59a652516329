import type { Leadership } from '../../db/leadership.ts'
import { NotLeader } from '../../db/leadership.ts'
import type { DbPool } from '../../db/pools.ts'
import type { Db } from '../../db/statement.ts'
import { statement } from '../../db/statement.ts'
import { inTransaction } from '../../db/transaction.ts'
import { countEvents, findUncounted } from '../../events/stats/count-events.ts'
import { lockStats } from '../../events/stats/lock-stats.ts'
import type { Clock } from '../../lib/clock.ts'
import { failpoint } from '../../lib/failpoint.ts'
import type { EndKind } from './attempt-journal.ts'
import { DeliveryTally } from './delivery-counts.ts'
import { mergeDeliveries } from './merge-deliveries.ts'

/**
 * Keeps the statistics: takes rows out of the journal of attempts and adds them up, and counts events from where it stood.
 *
 * One leader at a time, and each company's statistics under its own lock. What was counted and the note that it was are
 * in one transaction, so a kill anywhere leaves a number that is right, and nothing is counted twice or left out. What is
 * shown is behind by the time of a round, a second or so.
 */
export interface StatsKeeperOptions {
  readonly pool: DbPool
  readonly leadership: Leadership
  readonly clock: Clock
  readonly restMs?: number
}

const FOLLOWING_MS = 1_000
const JOURNAL_ROWS = 200
const COMPANIES_AT_ONCE = 100
const EVENTS_PER_COMPANY = 10_000
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000'

interface Place {
  readonly company_id: string
  readonly id: string
}

const readJournal = statement<[companyId: string, id: string, limit: number], Place>(
  'attempt_journal.read_after',
  `select company_id, id
     from attempt_journal
    where (company_id, id) > ($1::uuid, $2::uuid)
    order by company_id, id
    limit $3`,
)

const takeRows = statement<
  [companyId: string, ids: readonly string[]],
  { readonly kinds: string; readonly codes: readonly number[] | null }
>(
  'attempt_journal.take',
  `delete from attempt_journal where company_id = $1 and id = any($2::uuid[]) returning kinds, codes`,
)

export class StatsKeeper {
  readonly #options: Required<StatsKeeperOptions>
  /** The place in the journal that was looked at last, so that no company's rows keep others waiting. */
  #after: Place = { company_id: BEFORE_ALL, id: BEFORE_ALL }

  constructor(options: StatsKeeperOptions) {
    this.#options = { restMs: 1_000, ...options }
  }

  /** Answers with the milliseconds to rest before the next round. */
  async round(): Promise<number> {
    const { leadership, restMs } = this.#options
    try {
      if (!(await leadership.hold())) return FOLLOWING_MS
      const hasMoreEnds = await this.#countEnds()
      const hasMoreEvents = await this.#countEvents()
      return hasMoreEnds || hasMoreEvents ? 0 : restMs
    } catch (error) {
      if (error instanceof NotLeader) return FOLLOWING_MS
      throw error
    }
  }

  async #countEnds(): Promise<boolean> {
    const { pool, clock } = this.#options
    const places = await readJournal(pool, this.#after.company_id, this.#after.id, JOURNAL_ROWS)
    const last = places.at(-1)
    const isFull = places.length === JOURNAL_ROWS
    if (last) {
      await this.#inLeadersTransaction(async (db) => {
        const byCompany = Map.groupBy(places, ({ company_id }) => company_id)
        const tally = new DeliveryTally(clock.now())
        for (const { company_id } of await lockStats(db, [...byCompany.keys()])) {
          const ids = (byCompany.get(company_id) ?? []).map(({ id }) => id)
          for (const { kinds, codes } of await takeRows(db, company_id, ids)) {
            tally.addJournalled(company_id, JSON.parse(kinds) as readonly EndKind[], codes)
          }
        }
        await mergeDeliveries(db, tally.rows)
      })
    }
    this.#after = isFull && last ? last : { company_id: BEFORE_ALL, id: BEFORE_ALL }
    return isFull
  }

  async #countEvents(): Promise<boolean> {
    const { pool, clock } = this.#options
    const behind = await findUncounted(pool, COMPANIES_AT_ONCE)
    if (behind.length === 0) return false
    const counted = await this.#inLeadersTransaction(async (db) => {
      const heads = await lockStats(
        db,
        behind.map(({ company_id }) => company_id),
      )
      return await countEvents(db, heads, EVENTS_PER_COMPANY, clock.now())
    })
    return counted >= EVENTS_PER_COMPANY || (behind.length === COMPANIES_AT_ONCE && counted > 0)
  }

  async #inLeadersTransaction<Result>(work: (db: Db) => Promise<Result>): Promise<Result> {
    const { pool, leadership } = this.#options
    const result = await inTransaction(pool, async (db) => {
      await leadership.confirm(db)
      const done = await work(db)
      await failpoint('stats.before_commit')
      return done
    })
    await failpoint('stats.after_commit')
    return result
  }
}
