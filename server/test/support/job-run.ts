import { randomUUID } from 'node:crypto'
import { Leadership } from '../../src/db/leadership.ts'
import type { Pools } from '../../src/db/pools.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { newId } from '../../src/lib/ids.ts'
import { allJobKinds } from '../../src/webhooks/jobs/all-job-kinds.ts'
import type { JobKind } from '../../src/webhooks/jobs/job-kinds.ts'
import type { Job } from '../../src/webhooks/jobs/job-store.ts'
import { getJob } from '../../src/webhooks/jobs/job-store.ts'
import type { JobWorkerOptions } from '../../src/webhooks/jobs/job-worker.ts'
import { JobWorker } from '../../src/webhooks/jobs/job-worker.ts'
import { startJob } from '../../src/webhooks/jobs/start-job.ts'
import type { TestCompany } from './company.ts'
import { author } from './company.ts'
import { sql } from './sql.ts'

export interface JobRun {
  readonly worker: JobWorker
  readonly leadership: Leadership
  readonly errors: unknown[]
  /** Subscriptions that were told of, in order. */
  readonly woken: string[]
  /** Slice after slice until no job may be worked on; those that rest are left. */
  work(): Promise<void>
}

/** The loop of jobs, moved by hand. */
export function jobRun(pools: Pools, options: Partial<JobWorkerOptions> = {}): JobRun {
  const leadership = new Leadership({ db: pools.engine, clock: systemClock, name: 'jobs', holder: randomUUID() })
  const errors: unknown[] = []
  const woken: string[] = []
  const worker = new JobWorker({
    pool: pools.engine,
    leadership,
    clock: systemClock,
    kinds: allJobKinds,
    wake: (_, subscriptionId) => void woken.push(subscriptionId),
    onRecorded: () => {},
    onError: (error) => void errors.push(error),
    ...options,
  })
  return {
    worker,
    leadership,
    errors,
    woken,
    work: async () => {
      while ((await worker.slice()) !== undefined);
    },
  }
}

export async function startTestJob(company: TestCompany, kind: JobKind, parameters: object): Promise<Job> {
  const now = { ...author, nowMs: Date.now() }
  return await company.asCompany(async (db) => await startJob(db, now, company.id, kind, parameters, undefined))
}

export async function jobOf(company: TestCompany, { id }: Pick<Job, 'id'>): Promise<Job> {
  return await company.asCompany(async (db) => await getJob(db, company.id, id))
}

/** What a test compares of a job. */
export function countsOf({ state, total, done, skipped_reasons }: Job): readonly unknown[] {
  return [state, total, done, skipped_reasons]
}

/** Ends everything that is pending, after one attempt, as a dispatcher would have in a while. */
export async function endAll(
  pools: Pools,
  outcome: 'failed' | 'cancelled' | 'delivered',
  reason: string,
  companyId: string,
): Promise<void> {
  const pending = await sql<{ id: string }>(pools.owner, 'select id from webhook_deliveries where company_id = $1', [
    companyId,
  ])
  await sql(
    pools.owner,
    `with given as (
       select * from unnest($2::uuid[], $3::uuid[]) as x(id, log_id)
     ), ended as (
       delete from webhook_deliveries where company_id = $1 returning *
     )
     insert into webhook_logs (company_id, id, delivery_id, subscription_id, event_id, event_name, position, replay_id,
            attempt_no, outcome, reason, webhook_url, started_at)
     select $1, g.log_id, d.id, d.subscription_id, d.event_id, t.event_name, d.position, d.replay_id, d.attempts + 1, $4,
            $5, 'https://example.com/hook', now()
       from ended d
       join given g on g.id = d.id
       join event_audit_trail t on t.company_id = $1 and t.position = d.position`,
    [companyId, pending.map(({ id }) => id), pending.map(() => newId()), outcome, reason],
  )
}
