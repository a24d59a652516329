import type { Db } from '../../db/statement.ts'
import { command, statement } from '../../db/statement.ts'
import { bucketMs, keptMs } from '../../lib/time-buckets.ts'

const scopes = ['all', 'subscription', 'event_name'] as const

const findEventCompanies = statement<[granularity: string, before: Date], { company_id: string; oldest: Date }>(
  'event_stats.find_old',
  `select h.company_id, old.bucket as oldest
     from stats_heads h
    cross join lateral (
      select bucket from event_stats s
       where s.company_id = h.company_id and s.granularity = $1 and s.bucket < $2
       order by bucket limit 1
    ) old`,
)

const deleteEvents = command<[companyId: string, granularity: string, before: Date]>(
  'event_stats.delete_before',
  `delete from event_stats where company_id = $1 and granularity = $2 and bucket < $3`,
)

const findDeliveryCompanies = statement<
  [granularity: string, scope: string, before: Date],
  { company_id: string; oldest: Date }
>(
  'delivery_stats.find_old',
  `select h.company_id, old.bucket as oldest
     from stats_heads h
    cross join lateral (
      select bucket from delivery_stats s
       where s.company_id = h.company_id and s.granularity = $1 and s.scope = $2 and s.bucket < $3
       order by bucket limit 1
    ) old`,
)

const deleteDeliveries = command<[companyId: string, granularity: string, scope: string, before: Date]>(
  'delivery_stats.delete_before',
  `delete from delivery_stats where company_id = $1 and granularity = $2 and scope = $3 and bucket < $4`,
)

/** Forgets minutes and hours whose time is over, in small transactions: an hour of minutes, a day of hours at once. */
export async function forgetOldStats(db: Db, nowMs: number): Promise<void> {
  for (const granularity of ['minute', 'hour'] as const) {
    const before = new Date(nowMs - keptMs[granularity])
    const sliceMs = 60 * bucketMs[granularity]
    for (const { company_id, oldest } of await findEventCompanies(db, granularity, before)) {
      for (const to of slices(oldest, before, sliceMs)) await deleteEvents(db, company_id, granularity, to)
    }
    for (const scope of scopes) {
      for (const { company_id, oldest } of await findDeliveryCompanies(db, granularity, scope, before)) {
        for (const to of slices(oldest, before, sliceMs)) await deleteDeliveries(db, company_id, granularity, scope, to)
      }
    }
  }
}

/** Ends of slices, up to `before`. */
function* slices(oldest: Date, before: Date, sliceMs: number): Generator<Date> {
  for (let to = oldest.getTime() + sliceMs; to < before.getTime(); to += sliceMs) yield new Date(to)
  yield before
}
