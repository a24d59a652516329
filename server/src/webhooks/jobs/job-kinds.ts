import type { Db } from '../../db/statement.ts'
import type { Author } from '../../events/administrative-event.ts'
import type { Scope } from '../../lib/scopes.ts'

/**
 * What a kind of long work has to say, so that one table and one loop (job-worker.ts) can run it.
 *
 * A job is worked on in slices. A slice is one small transaction of the engine's role, in which the cursor moves and the
 * counts are written too: a kill repeats nothing of it and skips nothing of it. `slice` therefore does nothing but database
 * work, through `db` alone, and may be run again when its transaction is. Its first lock is taken after the lease row and
 * the job's own; company head, health rows and deliveries follow in this order (docs/adr/0003).
 */
export interface JobKind {
  /** As it stands in the table and in answers: `retry_deliveries`. */
  readonly kind: string
  /** Who may start one, and so pause, resume or cancel it. */
  readonly scope: Scope
  /** True: one that has failed can be resumed, since all that its slices did lies before its cursor, and all else behind it. */
  readonly goesOnAfterFailure: boolean
  /** True: where nothing was counted there is nothing to do, and the job has succeeded when it is started. */
  readonly isEmptyDone: boolean
  /**
   * How many things the job would take, now: in the transaction that starts it, under the role of the interface. Throws
   * job_too_large when there are more than it may take.
   */
  count(db: Db, companyId: string, parameters: unknown): Promise<number>
  slice(db: Db, job: JobAtWork<unknown>): Promise<JobSlice>
  /**
   * It was cancelled, or has failed: in the transaction in which it ends, for what it would have done at last. Its first
   * lock is taken after the job's own.
   */
  abandoned?(db: Db, author: Author, job: AbandonedJob<unknown>, how: 'cancelled' | 'failed'): Promise<void>
}

/** A job that ended before it was done. */
export type AbandonedJob<Parameters> = Pick<JobAtWork<Parameters>, 'companyId' | 'id' | 'parameters'>

/** A job whose row is locked for a slice. */
export interface JobAtWork<Parameters> {
  readonly companyId: string
  readonly id: string
  readonly parameters: Parameters
  /** When it was counted, on the database's clock, as a text of PostgreSQL that keeps its microseconds. */
  readonly createdAt: string
  /** What its slices have done so far. */
  readonly done: number
  /** What the slice before gave; null for the first one. */
  readonly cursor: string | null
}

/** What a slice did. */
export interface JobSlice {
  readonly done: number
  /** Things that were counted and left as they are: how many for which reason, a stable word. */
  readonly skipped: Readonly<Record<string, number>>
  /** Things that were tried in vain. */
  readonly failed?: number
  readonly cursor: string | null
  /** Nothing is left: the job has succeeded. */
  readonly finished: boolean
  /** No further slice before so many milliseconds have gone; other jobs go on meanwhile. */
  readonly restMs?: number
  /**
   * How long this slice's things take at the pace that was asked for, ms. The worker's own pace is for jobs that have
   * none; one that has rests as long as the slice took, at least.
   */
  readonly paceMs?: number
  /** Why nothing could be done, a stable word. */
  readonly waitingFor?: string
  /** Subscriptions that may have something due after the commit. */
  readonly wake?: readonly string[]
}

/**
 * A kind whose parameters have a type. They are stored as JSON and were written by the same kind, so they are read back
 * as what they were; `undefined` members are gone.
 */
export function jobKind<Parameters>(kind: {
  readonly kind: string
  readonly scope: Scope
  readonly goesOnAfterFailure?: boolean
  readonly isEmptyDone?: boolean
  count(db: Db, companyId: string, parameters: Parameters): Promise<number>
  slice(db: Db, job: JobAtWork<Parameters>): Promise<JobSlice>
  abandoned?(db: Db, author: Author, job: AbandonedJob<Parameters>, how: 'cancelled' | 'failed'): Promise<void>
}): JobKind {
  const { abandoned } = kind
  return {
    kind: kind.kind,
    scope: kind.scope,
    goesOnAfterFailure: kind.goesOnAfterFailure ?? false,
    isEmptyDone: kind.isEmptyDone ?? false,
    count: async (db, companyId, parameters) => await kind.count(db, companyId, parameters as Parameters),
    slice: async (db, job) => await kind.slice(db, { ...job, parameters: job.parameters as Parameters }),
    ...(abandoned && {
      abandoned: async (db, author, job, how) =>
        await abandoned(db, author, { ...job, parameters: job.parameters as Parameters }, how),
    }),
  }
}
