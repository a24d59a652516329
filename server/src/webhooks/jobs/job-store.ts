import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import { canonicalUuid } from '../../lib/ids.ts'
import { ProblemError } from '../../lib/problems.ts'

export type JobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'

/** A job as the interface shows it. */
export interface Job {
  readonly id: string
  readonly kind: string
  readonly parameters: Readonly<Record<string, unknown>>
  readonly state: JobState
  /** Counted when it was started. */
  readonly total: number
  readonly done: number
  readonly skipped: number
  readonly skipped_reasons: Readonly<Record<string, number>>
  readonly failed: number
  /** Who started it. */
  readonly author: { readonly type: string; readonly id: string; readonly name?: string }
  readonly last_error: string | null
  readonly created_at: string
  readonly started_at: string | null
  readonly finished_at: string | null
}

export interface JobRow extends Omit<Job, 'skipped' | 'skipped_reasons' | 'created_at' | 'started_at' | 'finished_at'> {
  readonly skipped: Readonly<Record<string, number>>
  readonly created_at: Date
  readonly started_at: Date | null
  readonly finished_at: Date | null
}

const columns = `id, kind, parameters, state, total, done, skipped, failed, author, last_error, created_at, started_at,
          finished_at`

export const insertJob = statement<
  [companyId: string, id: string, kind: string, parameters: string, total: number, author: string],
  JobRow
>(
  'job.insert',
  `insert into jobs (company_id, id, kind, parameters, state, total, author)
   values ($1, $2, $3, $4::jsonb, 'queued', $5, $6::jsonb)
   returning ${columns}`,
)

export const countOpenJobs = statement<[companyId: string, max: number], { open: number }>(
  'job.count_open',
  `select count(*) as open
     from (select id from jobs where company_id = $1 and state in ('queued', 'running') limit $2) o`,
)

/** Newest first. */
export const listJobRows = statement<[companyId: string, before: string | null, limit: number], JobRow>(
  'job.list',
  `select ${columns}
     from jobs
    where company_id = $1 and ($2::uuid is null or id < $2)
    order by id desc
    limit $3`,
)

const findJobRow = statement<[companyId: string, id: string], JobRow>(
  'job.find',
  `select ${columns} from jobs where company_id = $1 and id = $2`,
)

/** Waits for a slice that is under way, and sees what it left. */
const lockJobRow = statement<[companyId: string, id: string], JobRow>(
  'job.lock',
  `select ${columns} from jobs where company_id = $1 and id = $2 for update`,
)

export const cancelJobRow = statement<[companyId: string, id: string], JobRow>(
  'job.cancel',
  `update jobs set state = 'cancelled', finished_at = now() where company_id = $1 and id = $2 returning ${columns}`,
)

/** Throws not_found, in the same words whether it is unknown, another company's or no id. */
export async function getJob(db: Db, companyId: string, id: string): Promise<Job> {
  return toJob(await getRow(findJobRow, db, companyId, id))
}

/** Likewise, locked until the transaction ends. */
export async function lockJob(db: Db, companyId: string, id: string): Promise<JobRow> {
  return await getRow(lockJobRow, db, companyId, id)
}

async function getRow(find: typeof findJobRow, db: Db, companyId: string, id: string): Promise<JobRow> {
  const jobId = canonicalUuid(id)
  const [row] = jobId === undefined ? [] : await find(db, companyId, jobId)
  if (!row) throw new ProblemError('not_found', 'No such job')
  return row
}

export function toJob(row: JobRow): Job {
  return {
    id: row.id,
    kind: row.kind,
    parameters: row.parameters,
    state: row.state,
    total: row.total,
    done: row.done,
    skipped: Object.values(row.skipped).reduce((sum, count) => sum + count, 0),
    skipped_reasons: row.skipped,
    failed: row.failed,
    author: row.author,
    last_error: row.last_error,
    created_at: row.created_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
  }
}

// What the worker does with them ----------------------------------------------------------------------------------------

/**
 * The oldest open job of the next company, in the order of their ids, that has one of these kinds and may be worked on
 * now. A plain scan over the open ones of all companies, which are few, by the index that has only them.
 */
export const findNextJob = statement<
  [afterCompanyId: string, kinds: readonly string[]],
  { company_id: string; id: string }
>(
  'job.find_next',
  `select company_id, id
     from jobs
    where state in ('queued', 'running') and company_id > $1 and kind = any($2::text[]) and due_at <= now()
    order by company_id, id
    limit 1`,
)

export interface OpenJobRow extends JobRow {
  readonly cursor: string | null
  readonly errors: number
  /** With microseconds, which a Date has not. */
  readonly created_text: string
}

/** No row when it has ended, was cancelled for instance. */
export const lockOpenJob = statement<[companyId: string, id: string], OpenJobRow>(
  'job.lock_open',
  `select ${columns}, cursor, errors, created_at::text as created_text
     from jobs
    where company_id = $1 and id = $2 and state in ('queued', 'running')
      for update`,
)

export const advanceJob = statement<
  [
    companyId: string,
    id: string,
    state: JobState,
    done: number,
    skipped: string,
    failed: number,
    cursor: string | null,
    restMs: number,
  ],
  JobRow
>(
  'job.advance',
  `update jobs
      set state = $3, done = done + $4, skipped = $5::jsonb, failed = failed + $6, cursor = $7, errors = 0,
          due_at = now() + $8 * interval '1 millisecond', started_at = coalesce(started_at, now()),
          finished_at = case when $3 in ('queued', 'running') then null else now() end
    where company_id = $1 and id = $2
   returning ${columns}`,
)

/** A slice threw: the job rests, or has failed. */
export const noteJobError = statement<
  [companyId: string, id: string, state: JobState, error: string, restMs: number],
  JobRow
>(
  'job.note_error',
  `update jobs
      set state = $3, errors = errors + 1, last_error = $4, due_at = now() + $5 * interval '1 millisecond',
          started_at = coalesce(started_at, now()),
          finished_at = case when $3 in ('queued', 'running') then null else now() end
    where company_id = $1 and id = $2 and state in ('queued', 'running')
   returning ${columns}`,
)
