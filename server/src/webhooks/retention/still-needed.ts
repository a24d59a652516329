import { rowShape } from '../../db/rows.ts'
import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import { firstIdOfMs, idTimeMs } from '../../lib/ids.ts'
import { open } from '../jobs/job-store.ts'

/**
 * What keeps a payload, or rows of the ledger, beyond their time: a delivery that has not ended, a fan-out that is not
 * finished, a job that may read it. An event that has no position yet, or was set aside, is in no danger: what is ended is
 * found by the trail.
 */
interface EventOf {
  readonly event_id: string
}

const shape = rowShape<string>({
  event_id: ['uuid', (id) => id],
  from_id: ['uuid', (id) => firstIdOfMs(idTimeMs(id))],
  to_id: ['uuid', (id) => firstIdOfMs(idTimeMs(id) + 1)],
})

const hasPendingBetween = statement<[companyId: string, fromId: string, toId: string], { id: string }>(
  'retention.has_pending_between',
  `select id from webhook_deliveries where company_id = $1 and id >= $2 and id < $3 limit 1`,
)

/** The id of a delivery has the time of its event's. */
const findPending = statement<[companyId: string, ...rows: unknown[]], EventOf>(
  'retention.find_pending',
  `select x.event_id
     from ${shape.from(2)}
    cross join lateral (
      select d.id
        from webhook_deliveries d
       where d.company_id = $1 and d.id >= x.from_id and d.id < x.to_id and d.event_id = x.event_id
       limit 1
    ) d`,
)

const findFanOuts = statement<[companyId: string, eventIds: readonly string[]], EventOf>(
  'retention.find_fan_outs',
  `select event_id from fan_outs where company_id = $1 and event_id = any($2::uuid[])`,
)

/** Those of the events that have deliveries to come. One look where nothing of their time is pending, as a rule. */
export async function findStillNeeded(
  db: Db,
  companyId: string,
  eventIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (eventIds.length === 0) return new Set()
  const times = eventIds.map(idTimeMs)
  const [fromMs, toMs] = [Math.min(...times), Math.max(...times) + 1]
  const [any] = await hasPendingBetween(db, companyId, firstIdOfMs(fromMs), firstIdOfMs(toMs))
  const pending = any ? await findPending(db, companyId, ...shape.values(eventIds)) : []
  const fanOuts = await findFanOuts(db, companyId, eventIds)
  return new Set([...pending, ...fanOuts].map(({ event_id }) => event_id))
}

/** A paused one goes on when it is resumed, and reads then. A job that only cancels reads neither payloads nor the ledger of what has ended. */
const findReadingJobs = statement<[companyIds: readonly string[]], { company_id: string; id: string }>(
  'retention.find_reading_jobs',
  `select w.company_id, j.id
     from unnest($1::uuid[]) as w(company_id)
    cross join lateral (
      select j.id
        from jobs j
       where j.company_id = w.company_id and j.${open} and j.kind <> 'cancel_deliveries'
       order by j.id
       limit 1
    ) j`,
)

/** An open job of each of these companies that retention waits for, by company. */
export async function findJobsInTheWay(db: Db, companyIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  return new Map((await findReadingJobs(db, companyIds)).map(({ company_id, id }) => [company_id, id]))
}
