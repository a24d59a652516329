import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import { canonicalUuid } from '../../lib/ids.ts'
import { ProblemError } from '../../lib/problems.ts'

/** Open are the first three; a paused one has no slices until it is resumed. */
export type JobState = 'queued' | 'running' | 'paused' | 'succeeded' | 'failed' | 'cancelled'

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
  /** What its next slice waits for, a stable word; null while it goes on. */
  readonly waiting_for: string | null
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

const columns = `id, kind, parameters, state, total, done, skipped, failed, author, last_error, waiting_for, created_at,
          started_at, finished_at`

const openStates: readonly JobState[] = ['queued', 'running', 'paused']

/** The condition of an open job, as the index of them has it. */
export const open = `state in (${openStates.map((state) => `'${state}'`).join(', ')})`
const atWork = `state in ('queued', 'running')`

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
     from (select id from jobs where company_id = $1 and ${open} limit $2) o`,
)

/** Newest first. */
export const listReplayRows = statement<[companyId: string, before: string | null, limit: number], JobRow>(
  'job.list_replays',
  `select ${columns}
     from jobs
    where company_id = $1 and kind = 'replay_events' and ($2::uuid is null or id < $2)
    order by id desc
    limit $3`,
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
  `update jobs
      set state = 'cancelled', waiting_for = null, finished_at = now()
    where company_id = $1 and id = $2
   returning ${columns}`,
)

export const pauseJobRow = statement<[companyId: string, id: string], JobRow>(
  'job.pause',
  `update jobs set state = 'paused', waiting_for = null where company_id = $1 and id = $2 returning ${columns}`,
)

/** It begins with a clean slate: what went wrong before is why it ended, or perhaps why it was paused. The parameters are added. */
export const resumeJobRow = statement<[companyId: string, id: string, parameters: string], JobRow>(
  'job.resume',
  `update jobs
      set state = case when started_at is null then 'queued' else 'running' end, errors = 0, due_at = now(), finished_at = null,
          parameters = parameters || $3::jsonb
    where company_id = $1 and id = $2
   returning ${columns}`,
)

/**
 * Throws not_found, in the same words whether it is unknown, another company's or no id.
 * @param kind where jobs of other kinds are not looked for
 */
export async function getJob(db: Db, companyId: string, id: string, kind?: string): Promise<Job> {
  return toJob(await getRow(findJobRow, db, companyId, id, kind))
}

/** Likewise, locked until the transaction ends. */
export async function lockJob(db: Db, companyId: string, id: string, kind?: string): Promise<JobRow> {
  return await getRow(lockJobRow, db, companyId, id, kind)
}

async function getRow(
  find: typeof findJobRow,
  db: Db,
  companyId: string,
  id: string,
  kind: string | undefined,
): Promise<JobRow> {
  const jobId = canonicalUuid(id)
  const [row] = jobId === undefined ? [] : await find(db, companyId, jobId)
  if (!row || (kind !== undefined && row.kind !== kind)) throw new ProblemError('not_found', 'No such job')
  return row
}

export function isOpen(state: JobState): boolean {
  return openStates.includes(state)
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
    waiting_for: row.waiting_for,
    created_at: row.created_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
  }
}

// What the worker does with them ----------------------------------------------------------------------------------------

/**
 * Of the next company, in the order of their ids, the job that has waited longest of those that are of these kinds and may
 * be worked on now: so no job of a company keeps the others from theirs. A plain scan over the open ones of all companies, which are few, by the index that has only them.
 */
export const findNextJob = statement<
  [afterCompanyId: string, kinds: readonly string[]],
  { company_id: string; id: string }
>(
  'job.find_next',
  `select company_id, id
     from jobs
    where ${atWork} and company_id > $1 and kind = any($2::text[]) and due_at <= now()
    order by company_id, due_at, id
    limit 1`,
)

/** How long it is until a job of these kinds may be worked on, ms; null when none waits for its time. */
export const findNextDue = statement<[kinds: readonly string[]], { wait_ms: number | null }>(
  'job.find_next_due',
  `select (extract(epoch from min(j.due_at) - now()) * 1000)::float8 as wait_ms
     from (select company_id, due_at from jobs where ${atWork} and kind = any($1::text[])) j`,
)

export interface OpenJobRow extends JobRow {
  readonly cursor: string | null
  readonly errors: number
  /** With microseconds, which a Date has not. */
  readonly created_text: string
}

/** No row when it has ended, was cancelled for instance, or is paused. */
export const lockOpenJob = statement<[companyId: string, id: string], OpenJobRow>(
  'job.lock_open',
  `select ${columns}, cursor, errors, created_at::text as created_text
     from jobs
    where company_id = $1 and id = $2 and ${atWork}
      for update`,
)

/**
 * What a slice did. The next comes after the rest; where the job has a pace it comes when the time of what was done is
 * over, counted from when this one was due. So a slice that comes late is made up for, by a second at most.
 */
export const advanceJob = statement<
  [
    companyId: string,
    id: string,
    state: JobState,
    done: number,
    skipped: string,
    failed: number,
    cursor: string | null,
    waitingFor: string | null,
    restMs: number,
    paceMs: number,
  ],
  JobRow
>(
  'job.advance',
  `update jobs
      set state = $3, done = done + $4, skipped = $5::jsonb, failed = failed + $6, cursor = $7, errors = 0,
          waiting_for = $8,
          due_at = greatest(now() + nullif($9, 0) * interval '1 millisecond',
            greatest(due_at, now() - interval '1 second') + $10 * interval '1 millisecond'),
          started_at = coalesce(started_at, now()),
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
      set state = $3, errors = errors + 1, last_error = $4, waiting_for = null, due_at = now() + $5 * interval '1 millisecond',
          started_at = coalesce(started_at, now()),
          finished_at = case when $3 in ('queued', 'running') then null else now() end
    where company_id = $1 and id = $2 and ${atWork}
   returning ${columns}`,
)
