import type { Month } from '../../db/drop-partitions.ts'
import { dropEnded, listMonths } from '../../db/drop-partitions.ts'
import type { Leadership } from '../../db/leadership.ts'
import { NotLeader } from '../../db/leadership.ts'
import type { DbPool } from '../../db/pools.ts'
import type { Db } from '../../db/statement.ts'
import { statement } from '../../db/statement.ts'
import { inTransaction, sqlState } from '../../db/transaction.ts'
import { namesOfEvents } from '../../events/expand-event-names.ts'
import { endOfDaysMs, endsAnything, payloadDaysOf } from '../../events/retention/retention-rules.ts'
import type { Retention } from '../../events/retention/retention-rules.ts'
import { holdRetention, listRetentions } from '../../events/retention/retention-settings.ts'
import type { Clock } from '../../lib/clock.ts'
import { failpoint } from '../../lib/failpoint.ts'
import { BEFORE_ALL_IDS } from '../../lib/ids.ts'
import { confirmSight } from './confirm-sight.ts'
import { isOpenMonth, tryMonth } from './drop-months.ts'
import { endLedger } from './end-ledger.ts'
import type { EndedBatch } from './end-payloads.ts'
import { endPayloadsOfName, endPayloadsThatWaited, findNamesToEnd } from './end-payloads.ts'
import { findJobsInTheWay } from './still-needed.ts'
import type { Task } from './task-queue.ts'
import { keyOf, TaskQueue } from './task-queue.ts'

/**
 * Ends what companies no longer want to be kept: whole months first, then rows one by one.
 *
 * One leader at a time. A pass looks at all companies that decided something. Then they take turns with a batch each, every
 * batch one small transaction with its progress, and a rest as long as the batch took. What fails is told of and left out
 * until the next pass, and keeps nothing else. A kill anywhere leaves rows
 * and progress that fit each other, and the next leader goes on.
 *
 * It alone deletes what was recorded, as the owner of the tables: the roles of interface and engine have no right to.
 */
export interface RetentionKeeperOptions {
  /** As the owner of the tables. */
  readonly owner: DbPool
  readonly leadership: Leadership
  readonly clock: Clock
  readonly onEnded: (ended: { readonly what: string; readonly rows: number }) => void
  /** The table of a whole month is gone. */
  readonly onDropped: (table: string) => void
  /** Something failed and was left out; all else goes on. */
  readonly onError: (error: unknown, facts: object) => void
  /** A month could not be detached for now, because its table is in use. */
  readonly onBusy: (partition: string) => void
  readonly idleMs?: number
  /** From one pass to the next, where no company decides anything anew. */
  readonly passMs?: number
  readonly batchRows?: number
}

const FOLLOWING_MS = 5_000
const PASS_MS = 10 * 60_000
/** How often new decisions are looked for while something is left to do. */
const LOOK_MS = 5_000
const BUSY_PAUSE_MS = 2_000
const BUSY_PAUSE_MAX_MS = 10 * 60_000
const COMPANIES_AT_ONCE = 1_000

interface Decision {
  readonly companyId: string
  readonly retention: Retention
}

const readDatabaseTime = statement<[], { now_ms: number }>(
  'retention.database_time',
  `select extract(epoch from now())::float8 * 1000 as now_ms`,
)

const readLatestDecision = statement<[], { decided: string | null }>(
  'retention.latest_decision',
  `select max(updated_at)::text || ' ' || count(company_id) as decided from retention_settings`,
)

/** A table of which a month was in use: it is left alone for a while, longer each time. */
interface Pause {
  readonly ms: number
  /** On the clock's scale. */
  readonly endsAt: number
}

export class RetentionKeeper {
  readonly #options: Required<RetentionKeeperOptions>
  readonly #tasks = new TaskQueue()
  /** Rows for the next batch of a thing, where one failed; by {@link keyOf}. */
  readonly #limits = new Map<string, number>()
  readonly #pauses = new Map<Month['table'], Pause>()
  /** Both on the clock's scale; and the newest decision that the last pass knew. */
  #nextPassAt = 0
  #nextLookAt = 0
  #lastDecided: string | undefined

  constructor(options: RetentionKeeperOptions) {
    this.#options = { idleMs: 5_000, passMs: PASS_MS, batchRows: 5_000, ...options }
  }

  /** One pass over the months, or one batch. Answers with the milliseconds to rest before the next. */
  async round(): Promise<number> {
    const { clock, idleMs } = this.#options
    try {
      await this.#lead()
      const beganMs = clock.elapsed()
      if (await this.#isTimeToPass()) {
        await this.#beginPass()
        return this.#tasks.isEmpty ? idleMs : 0
      }
      if (this.#isPauseOver()) await this.#dropMonths()
      const task = this.#tasks.take()
      if (task) await this.#work(task)
      return this.#tasks.isEmpty ? idleMs : clock.elapsed() - beganMs
    } catch (error) {
      this.#startAnew()
      if (error instanceof NotLeader) return FOLLOWING_MS
      throw error
    }
  }

  /** Takes or renews the lease: also within long work, which would outlast it. Throws {@link NotLeader}. */
  async #lead(): Promise<void> {
    if (!(await this.#options.leadership.hold())) throw new NotLeader('retention is led by another process')
  }

  /** While something is left to do only a new decision begins another pass, which keeps what is under way. */
  async #isTimeToPass(): Promise<boolean> {
    const { owner, clock } = this.#options
    const nowMs = clock.elapsed()
    if (!this.#tasks.isEmpty && nowMs < this.#nextLookAt) return false
    this.#nextLookAt = nowMs + LOOK_MS
    const [latest] = await readLatestDecision(owner)
    const lastDecided = latest?.decided ?? undefined
    const isIdle = this.#tasks.isEmpty && nowMs >= this.#nextPassAt
    if (!isIdle && lastDecided === this.#lastDecided) return false
    this.#lastDecided = lastDecided
    return true
  }

  async #beginPass(): Promise<void> {
    const { owner, clock, passMs } = this.#options
    try {
      await confirmSight(owner)
      await this.#dropLeftOvers()
      const decided = await this.#readDecisions()
      if (decided.length > 0) {
        await this.#dropMonths()
        await this.#plan(decided)
      }
    } catch (error) {
      await this.#report(error, {})
    }
    this.#nextPassAt = clock.elapsed() + passMs
  }

  #startAnew(): void {
    this.#tasks.clear()
    this.#nextPassAt = 0
  }

  /** One thing that fails is left out until the next pass. Throws where nothing would succeed: no leader, no database. */
  async #report(error: unknown, facts: object): Promise<void> {
    if (error instanceof NotLeader) throw error
    await this.#nowMs()
    this.#options.onError(error, facts)
  }

  async #dropLeftOvers(): Promise<void> {
    const { owner, onDropped, onError } = this.#options
    for (const name of await dropEnded(owner, (error, table) => onError(error, { table }))) onDropped(name)
  }

  #isPauseOver(): boolean {
    return [...this.#pauses.values()].some(({ endsAt }) => endsAt <= this.#options.clock.elapsed())
  }

  /** Each month is tried once. Where one is in use, the others of its table are not tried: publishers would wait each time. */
  async #dropMonths(): Promise<void> {
    const { owner, clock, onBusy } = this.#options
    const nowMs = await this.#nowMs()
    const paused = new Set<Month['table']>()
    for (const [table, { endsAt }] of this.#pauses) if (endsAt > clock.elapsed()) paused.add(table)
    for (const month of await listMonths(owner)) {
      const { table, partition } = month
      if (isOpenMonth(month, nowMs) || paused.has(table)) continue
      await this.#lead()
      try {
        if (await this.#inLeadersTransaction(async (db) => await tryMonth(db, month, nowMs), { tries: 1 })) {
          await this.#dropLeftOvers()
        }
      } catch (error) {
        if (!isBusy(error)) {
          await this.#report(error, { partition })
          continue
        }
        paused.add(table)
        const ms = Math.min(2 * (this.#pauses.get(table)?.ms ?? BUSY_PAUSE_MS / 2), BUSY_PAUSE_MAX_MS)
        this.#pauses.set(table, { ms, endsAt: clock.elapsed() + ms })
        onBusy(partition)
      }
    }
    for (const table of this.#pauses.keys()) if (!paused.has(table)) this.#pauses.delete(table)
  }

  async #readDecisions(): Promise<readonly Decision[]> {
    const all: Decision[] = []
    for (let after = BEFORE_ALL_IDS; ;) {
      const page = await listRetentions(this.#options.owner, after, COMPANIES_AT_ONCE)
      all.push(...page.filter(({ retention }) => endsAnything(retention)))
      const last = page.at(-1)
      if (!last || page.length < COMPANIES_AT_ONCE) return all
      after = last.companyId
    }
  }

  async #plan(decided: readonly Decision[]): Promise<void> {
    const nowMs = await this.#nowMs()
    for (const decision of decided) {
      await this.#lead()
      try {
        for (const task of await this.#tasksOf(decision, nowMs)) this.#tasks.add(task)
      } catch (error) {
        await this.#report(error, { company_id: decision.companyId })
      }
    }
  }

  async #tasksOf({ companyId, retention }: Decision, nowMs: number): Promise<readonly Task[]> {
    const tasks: Task[] = []
    const names = (await namesOfEvents(this.#options.owner, companyId)).flatMap((eventName) => {
      const days = payloadDaysOf(retention, eventName)
      return days === null ? [] : [{ eventName, beforeMs: endOfDaysMs(days, nowMs) }]
    })
    const ending = await this.#inLeadersTransaction(async (db) => {
      await planByIndex(db)
      return await findNamesToEnd(db, companyId, names)
    })
    for (const eventName of ending) tasks.push({ companyId, what: 'payloads', eventName, after: 0 })
    if (names.length > 0) tasks.push({ companyId, what: 'waiting', eventName: '', after: 0 })
    if (retention.ledger_retention_days !== null) tasks.push({ companyId, what: 'ledger', eventName: '', after: 0 })
    return tasks
  }

  /** After a batch that failed the next one is half as large, so that a row that cannot go keeps few others; then they grow again. */
  async #work(task: Task): Promise<void> {
    const { onEnded, batchRows } = this.#options
    const { companyId, what, eventName } = task
    const key = keyOf(task)
    const limit = this.#limits.get(key) ?? batchRows
    try {
      const { ended, next } = await this.#workBatch(task, limit)
      if (ended > 0) onEnded({ what, rows: ended })
      if (next !== undefined) this.#tasks.add({ ...task, after: next })
    } catch (error) {
      await this.#report(error, { company_id: companyId, what, ...(eventName !== '' && { event_name: eventName }) })
      this.#limits.set(key, Math.max(1, Math.floor(limit / 2)))
      return
    }
    if (2 * limit >= batchRows) this.#limits.delete(key)
    else this.#limits.set(key, 2 * limit)
  }

  async #workBatch(task: Task, limit: number): Promise<EndedBatch> {
    const { companyId } = task
    const nowMs = await this.#nowMs()
    return await this.#inLeadersTransaction(async (db) => {
      await planByIndex(db)
      const retention = await holdRetention(db, companyId)
      if ((await findJobsInTheWay(db, [companyId])).size > 0) return { ended: 0, next: undefined }
      const batch = await this.#end(db, task, { retention, nowMs, limit })
      await failpoint('retention.before_commit')
      return batch
    })
  }

  async #end(
    db: Db,
    { companyId, what, eventName, after }: Task,
    terms: { readonly retention: Retention; readonly nowMs: number; readonly limit: number },
  ): Promise<EndedBatch> {
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

  async #inLeadersTransaction<Result>(
    work: (db: Db) => Promise<Result>,
    options: { readonly tries?: number } = {},
  ): Promise<Result> {
    const { owner, leadership } = this.#options
    const confirmed = async (db: Db): Promise<Result> => {
      await leadership.confirm(db)
      return await work(db)
    }
    return await inTransaction(owner, confirmed, options)
  }
}

async function planByIndex(db: Db): Promise<void> {
  await db.query({ name: '', text: 'set local enable_seqscan = off', values: [] })
}

/** The wait for a lock, or for the whole detach, took too long. */
function isBusy(error: unknown): boolean {
  const state = sqlState(error)
  return state === LOCK_NOT_AVAILABLE || state === QUERY_CANCELED
}

const LOCK_NOT_AVAILABLE = '55P03'
const QUERY_CANCELED = '57014'
