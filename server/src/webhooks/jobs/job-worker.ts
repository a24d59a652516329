import type { Leadership } from '../../db/leadership.ts'
import { NotLeader } from '../../db/leadership.ts'
import { loggableError } from '../../db/loggable-error.ts'
import type { DbPool } from '../../db/pools.ts'
import type { Db } from '../../db/statement.ts'
import { inTransaction } from '../../db/transaction.ts'
import { systemActor } from '../../events/administrative-event.ts'
import type { Author } from '../../events/administrative-event.ts'
import type { Clock } from '../../lib/clock.ts'
import { failpoint } from '../../lib/failpoint.ts'
import { BEFORE_ALL_IDS } from '../../lib/ids.ts'
import { tellOfJob } from './job-event.ts'
import type { JobKind, JobSlice } from './job-kinds.ts'
import type { OpenJobRow } from './job-store.ts'
import { advanceJob, findNextDue, findNextJob, lockOpenJob, noteJobError } from './job-store.ts'

/**
 * Works on jobs, one leader at a time, one slice of one company's oldest job after another.
 *
 * A slice is one transaction: the leader's lease, the job's row, the work, then counts and cursor. A crash before its
 * commit leaves all of it as it was; a leader that slept through its lease commits nothing. Cancelling waits for the job's
 * row, so it falls between two slices.
 *
 * Who works and who is served goes before: after a slice the loop rests for twice as long as the slice took, and for as
 * long as its things take at the greatest pace; after one of a job with a pace of its own, as long as the slice took. A slice that throws rests its job for longer and longer, and after a few
 * in a row the job has failed; while the server is gone, nothing is counted.
 */
export interface JobWorkerOptions {
  readonly pool: DbPool
  readonly leadership: Leadership
  readonly clock: Clock
  readonly kinds: readonly JobKind[]
  /** Deliveries of a subscription may have become due. */
  readonly wake: (companyId: string, subscriptionId: string) => void
  /** An event was committed. */
  readonly onRecorded: () => void
  /** A slice threw; it is tried again, or the job has failed. */
  readonly onError: (error: unknown, job: { readonly companyId: string; readonly jobId: string }) => void
  readonly idleMs?: number
  /** Things done per second, over all jobs. */
  readonly paceMax?: number
}

const FOLLOWING_MS = 1_000
/** Between two looks for a job that is nearly due. */
const REST_MIN_MS = 10
const ERRORS_MAX = 5

interface Found {
  readonly company_id: string
  readonly id: string
}

export class JobWorker {
  readonly #options: Required<JobWorkerOptions>
  readonly #kinds: ReadonlyMap<string, JobKind>
  /** The company that was served last. */
  #after = BEFORE_ALL_IDS

  constructor(options: JobWorkerOptions) {
    this.#options = { idleMs: 1_000, paceMax: 2_000, ...options }
    this.#kinds = new Map(options.kinds.map((kind) => [kind.kind, kind]))
  }

  /** One slice of one job. Answers with the milliseconds to rest before the next. */
  async round(): Promise<number> {
    return (await this.slice()) ?? (await this.#msToNextDue())
  }

  /** Likewise; undefined when no job may be worked on now. */
  async slice(): Promise<number | undefined> {
    const { leadership, clock, paceMax } = this.#options
    try {
      if (!(await leadership.hold())) return FOLLOWING_MS
      const next = await this.#findNext()
      if (!next) return undefined
      this.#after = next.company_id
      const beganMs = clock.elapsed()
      const slice = await this.#work(next)
      const tookMs = clock.elapsed() - beganMs
      if (slice?.paceMs !== undefined) return tookMs
      return Math.max(2 * tookMs, ((slice?.done ?? 0) * 1_000) / paceMax)
    } catch (error) {
      if (error instanceof NotLeader) return FOLLOWING_MS
      throw error
    }
  }

  async #findNext(): Promise<Found | undefined> {
    const { pool } = this.#options
    const kinds = [...this.#kinds.keys()]
    const [next] = await findNextJob(pool, this.#after, kinds)
    if (next || this.#after === BEFORE_ALL_IDS) return next
    const [first] = await findNextJob(pool, BEFORE_ALL_IDS, kinds)
    return first
  }

  /** Jobs with a pace are due again within less than the usual look. */
  async #msToNextDue(): Promise<number> {
    const { pool, idleMs } = this.#options
    const [next] = await findNextDue(pool, [...this.#kinds.keys()])
    return Math.min(idleMs, Math.max(next?.wait_ms ?? idleMs, REST_MIN_MS))
  }

  /** Undefined when nothing was done. */
  async #work({ company_id: companyId, id: jobId }: Found): Promise<JobSlice | undefined> {
    let slice: JobSlice | undefined
    try {
      slice = await this.#inLeadersTransaction(async (db) => await this.#slice(db, companyId, jobId))
    } catch (error) {
      if (error instanceof NotLeader) throw error
      await this.#noteError(companyId, jobId, error) // throws as well when the server is gone, and then nothing is counted
      this.#options.onError(error, { companyId, jobId })
      return undefined
    }
    await failpoint('job.after_commit')
    for (const subscriptionId of slice?.wake ?? []) this.#options.wake(companyId, subscriptionId)
    if (slice?.finished) this.#options.onRecorded()
    return slice
  }

  /** Undefined when the job has ended since it was found. */
  async #slice(db: Db, companyId: string, jobId: string): Promise<JobSlice | undefined> {
    const [before] = await lockOpenJob(db, companyId, jobId)
    if (!before) return undefined
    const kind = this.#kinds.get(before.kind)
    if (!kind) throw new Error(`No kind of job is called ${before.kind}`)
    const { parameters, created_text: createdAt, done: doneBefore, cursor } = before
    const slice = await kind.slice(db, { companyId, id: jobId, parameters, createdAt, done: doneBefore, cursor })
    const skipped = JSON.stringify(addCounts(before.skipped, slice.skipped))
    const state = slice.finished ? 'succeeded' : 'running'
    const { done, failed = 0, cursor: reached, waitingFor = null, restMs = 0, paceMs = 0 } = slice
    const [after] = await advanceJob(
      db,
      companyId,
      jobId,
      state,
      done,
      skipped,
      failed,
      reached,
      waitingFor,
      restMs,
      paceMs,
    )
    if (after && slice.finished) await tellOfJob(db, this.#author(), companyId, 'daybook.job.succeeded', before, after)
    await failpoint('job.before_commit')
    return slice
  }

  async #noteError(companyId: string, jobId: string, error: unknown): Promise<void> {
    const { name, code, message } = loggableError(error)
    const text = `${code ?? name}: ${message}`.slice(0, 500)
    const hasFailed = await this.#inLeadersTransaction(async (db) => {
      const [before] = await lockOpenJob(db, companyId, jobId)
      if (!before) return false
      const isLast = before.errors + 1 >= ERRORS_MAX
      const [after] = await noteJobError(db, companyId, jobId, isLast ? 'failed' : 'running', text, restAfter(before))
      if (after && isLast) {
        await tellOfJob(db, this.#author(), companyId, 'daybook.job.failed', before, after)
        const { parameters } = before
        await this.#kinds
          .get(before.kind)
          ?.abandoned?.(db, this.#author(), { companyId, id: jobId, parameters }, 'failed')
      }
      return isLast
    })
    if (hasFailed) this.#options.onRecorded()
  }

  async #inLeadersTransaction<Result>(work: (db: Db) => Promise<Result>): Promise<Result> {
    const { pool, leadership } = this.#options
    return await inTransaction(pool, async (db) => {
      await leadership.confirm(db)
      return await work(db)
    })
  }

  #author(): Author {
    return { actor: systemActor, nowMs: this.#options.clock.now() }
  }
}

/** 2, 4, 8, 16 seconds. */
function restAfter({ errors }: OpenJobRow): number {
  return 2_000 * 2 ** errors
}

function addCounts(
  before: Readonly<Record<string, number>>,
  more: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const sum = new Map(Object.entries(before))
  for (const [reason, count] of Object.entries(more)) if (count > 0) sum.set(reason, (sum.get(reason) ?? 0) + count)
  return Object.fromEntries(sum)
}
