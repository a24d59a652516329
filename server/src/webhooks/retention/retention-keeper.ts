import { dropEnded, listMonths } from '../../db/drop-partitions.ts'
import type { Leadership } from '../../db/leadership.ts'
import { NotLeader } from '../../db/leadership.ts'
import type { DbPool } from '../../db/pools.ts'
import type { Db } from '../../db/statement.ts'
import { statement } from '../../db/statement.ts'
import { inTransaction, sqlState } from '../../db/transaction.ts'
import { namesOfEvents } from '../../events/expand-event-names.ts'
import { endsAnything, payloadDaysOf } from '../../events/retention/retention-rules.ts'
import type { Retention } from '../../events/retention/retention-rules.ts'
import { holdRetention, listRetentions } from '../../events/retention/retention-settings.ts'
import type { Clock } from '../../lib/clock.ts'
import { failpoint } from '../../lib/failpoint.ts'
import { BEFORE_ALL_IDS } from '../../lib/ids.ts'
import { isOpenMonth, tryMonth } from './drop-months.ts'
import { endLedger } from './end-ledger.ts'
import type { EndedBatch } from './end-payloads.ts'
import { endPayloadsOfName, endPayloadsThatWaited } from './end-payloads.ts'
import { findJobsInTheWay } from './still-needed.ts'

/**
 * Ends what companies no longer want to be kept: whole months first, then rows one by one.
 *
 * One leader at a time. A pass looks at all companies that decided something; of each thing there is to end it does one
 * batch in turn, every batch one small transaction with its progress, and rests as long as the batch took. A kill anywhere leaves rows
 * and progress that fit each other, and the next leader goes on.
 *
 * It alone deletes what was recorded, as the owner of the tables: the roles of interface and engine have no right to.
 */
export interface RetentionKeeperOptions {
  /** As the owner of the tables. */
  readonly owner: DbPool
  readonly leadership: Leadership
  readonly clock: Clock
  /** A month, or rows, have ended. */
  readonly onEnded: (ended: { readonly what: string; readonly rows?: number }) => void
  /** A month could not be detached for now, because its table is in use all the time. */
  readonly onBusy: (partition: string) => void
  readonly idleMs?: number
  /** From one pass to the next, where no company decides anything anew. */
  readonly passMs?: number
  readonly batchRows?: number
}

const FOLLOWING_MS = 5_000
const PASS_MS = 10 * 60_000
const BUSY_PAUSE_MS = 2_000
const COMPANIES_AT_ONCE = 1_000

/** One thing to do for a company, a batch at a time. */
interface Task {
  readonly companyId: string
  readonly what: 'payloads' | 'waiting' | 'ledger'
  readonly eventName: string
  readonly after: number
}

const readDatabaseTime = statement<[], { now_ms: number }>(
  'retention.database_time',
  `select extract(epoch from now())::float8 * 1000 as now_ms`,
)

const readLatestDecision = statement<[], { decided: string | null }>(
  'retention.latest_decision',
  `select max(updated_at)::text || ' ' || count(company_id) as decided from retention_settings`,
)

export class RetentionKeeper {
  readonly #options: Required<RetentionKeeperOptions>
  readonly #tasks: Task[] = []
  /** On the clock's scale; and the newest decision that the last pass knew. */
  #nextPassAt = 0
  #lastDecided: string | undefined

  constructor(options: RetentionKeeperOptions) {
    this.#options = { idleMs: 5_000, passMs: PASS_MS, batchRows: 5_000, ...options }
  }

  /** One month, or one batch. Answers with the milliseconds to rest before the next. */
  async round(): Promise<number> {
    const { leadership, clock, idleMs } = this.#options
    try {
      if (!(await leadership.hold())) {
        this.#startAnew()
        return FOLLOWING_MS
      }
      const beganMs = clock.elapsed()
      const task = this.#tasks.shift()
      if (task) {
        await this.#work(task)
        return this.#tasks.length > 0 ? clock.elapsed() - beganMs : idleMs
      }
      return (await this.#isTimeToPass()) ? await this.#beginPass() : idleMs
    } catch (error) {
      this.#startAnew()
      if (error instanceof NotLeader) return FOLLOWING_MS
      throw error
    }
  }

  /** A pass costs a look for each event name of each company that decided something, so there are few of them. */
  async #isTimeToPass(): Promise<boolean> {
    const { owner, clock } = this.#options
    const [latest] = await readLatestDecision(owner)
    const lastDecided = latest?.decided ?? undefined
    if (clock.elapsed() < this.#nextPassAt && lastDecided === this.#lastDecided) return false
    this.#lastDecided = lastDecided
    return true
  }

  async #beginPass(): Promise<number> {
    const { clock, idleMs, passMs } = this.#options
    await this.#dropLeftOvers()
    const decided = await this.#readDecisions()
    if (decided.length > 0) {
      if ((await this.#dropMonths()) === 'busy') {
        this.#startAnew()
        return BUSY_PAUSE_MS
      }
      await this.#plan(decided)
    }
    this.#nextPassAt = clock.elapsed() + passMs
    return this.#tasks.length > 0 ? 0 : idleMs
  }

  #startAnew(): void {
    this.#tasks.length = 0
    this.#nextPassAt = 0
  }

  async #dropLeftOvers(): Promise<void> {
    for (const name of await dropEnded(this.#options.owner)) this.#options.onEnded({ what: name })
  }

  async #dropMonths(): Promise<'busy' | 'done'> {
    const { owner, onBusy } = this.#options
    const nowMs = await this.#nowMs()
    for (const month of await listMonths(owner)) {
      if (isOpenMonth(month, nowMs)) continue
      try {
        if (!(await this.#inLeadersTransaction(async (db) => await tryMonth(db, month, nowMs)))) continue
      } catch (error) {
        if (sqlState(error) !== LOCK_NOT_AVAILABLE) throw error
        onBusy(month.partition)
        return 'busy'
      }
      await this.#dropLeftOvers()
    }
    return 'done'
  }

  async #readDecisions(): Promise<readonly { readonly companyId: string; readonly retention: Retention }[]> {
    const all: { readonly companyId: string; readonly retention: Retention }[] = []
    for (let after = BEFORE_ALL_IDS; ;) {
      const page = await listRetentions(this.#options.owner, after, COMPANIES_AT_ONCE)
      all.push(...page.filter(({ retention }) => endsAnything(retention)))
      const last = page.at(-1)
      if (!last || page.length < COMPANIES_AT_ONCE) return all
      after = last.companyId
    }
  }

  async #plan(decided: readonly { readonly companyId: string; readonly retention: Retention }[]): Promise<void> {
    const { owner } = this.#options
    for (const { companyId, retention } of decided) {
      const names = await namesOfEvents(owner, companyId)
      const ending = names.filter((name) => payloadDaysOf(retention, name) !== null)
      for (const eventName of ending) this.#tasks.push({ companyId, what: 'payloads', eventName, after: 0 })
      if (ending.length > 0) this.#tasks.push({ companyId, what: 'waiting', eventName: '', after: 0 })
      if (retention.ledger_retention_days !== null) {
        this.#tasks.push({ companyId, what: 'ledger', eventName: '', after: 0 })
      }
    }
  }

  async #work(task: Task): Promise<void> {
    const { companyId, what } = task
    const nowMs = await this.#nowMs()
    const { ended, next } = await this.#inLeadersTransaction(async (db) => {
      await db.query({ name: '', text: 'set local enable_seqscan = off', values: [] })
      const retention = await holdRetention(db, companyId)
      if ((await findJobsInTheWay(db, [companyId])).size > 0) return { ended: 0, next: undefined }
      const batch = await this.#end(db, task, retention, nowMs)
      await failpoint('retention.before_commit')
      return batch
    })
    if (ended > 0) this.#options.onEnded({ what, rows: ended })
    if (next !== undefined) this.#tasks.push({ ...task, after: next })
  }

  async #end(db: Db, task: Task, retention: Retention, nowMs: number): Promise<EndedBatch> {
    const { companyId, what, eventName, after } = task
    const terms = { retention, nowMs, limit: this.#options.batchRows }
    switch (what) {
      case 'payloads':
        return await endPayloadsOfName(db, companyId, eventName, terms)
      case 'waiting':
        return await endPayloadsThatWaited(db, companyId, after, terms)
      case 'ledger':
        return await endLedger(db, companyId, terms)
    }
  }

  /** By the clock that is behind, this process's or the database's: one that is far ahead would end what has time yet. */
  async #nowMs(): Promise<number> {
    const [row] = await readDatabaseTime(this.#options.owner)
    return Math.min(this.#options.clock.now(), row?.now_ms ?? 0)
  }

  async #inLeadersTransaction<Result>(work: (db: Db) => Promise<Result>): Promise<Result> {
    const { owner, leadership } = this.#options
    return await inTransaction(owner, async (db) => {
      await leadership.confirm(db)
      return await work(db)
    })
  }
}

const LOCK_NOT_AVAILABLE = '55P03'
