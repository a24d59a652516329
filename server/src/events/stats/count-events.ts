import { rowShape } from '../../db/rows.ts'
import type { Db } from '../../db/statement.ts'
import { command, statement } from '../../db/statement.ts'
import { bucketsOf } from '../../lib/time-buckets.ts'
import type { StatsHead } from './lock-stats.ts'
import { moveStatsHeads } from './lock-stats.ts'

/** A plain scan over the companies, one look by key for each. */
export const findUncounted = statement<[limit: number], { company_id: string }>(
  'stats_head.find_behind',
  `select h.company_id
     from company_heads h
    where h.last_position > coalesce((select s.position from stats_heads s where s.company_id = h.company_id), 0)
    limit $1`,
)

interface Counted {
  readonly company_id: string
  readonly event_name: string
  readonly minute: number
  readonly events: number
  readonly last_position: number
}

const countTrail = statement<[companyIds: readonly string[], positions: readonly number[], limit: number], Counted>(
  'trail.count_after',
  `select x.company_id, t.event_name, t.minute, count(*) as events, max(t.position) as last_position
     from unnest($1::uuid[], $2::bigint[]) as x(company_id, position)
    cross join lateral (
      select event_name, position, floor(extract(epoch from recorded_at) / 60)::bigint as minute
        from event_audit_trail
       where company_id = x.company_id and position > x.position
       order by position
       limit $3
    ) t
    group by x.company_id, t.event_name, t.minute`,
)

interface CountedBucket {
  readonly companyId: string
  readonly granularity: string
  readonly bucketMs: number
  readonly eventName: string
  events: number
}

const shape = rowShape<CountedBucket>({
  company_id: ['uuid', ({ companyId }) => companyId],
  granularity: ['text', ({ granularity }) => granularity],
  bucket: ['timestamptz', ({ bucketMs }) => new Date(bucketMs).toISOString()],
  event_name: ['text', ({ eventName }) => eventName],
  events: ['bigint', ({ events }) => events],
})

const addRows = command<readonly string[]>(
  'event_stats.add',
  `insert into event_stats as s (company_id, granularity, bucket, event_name, events)
   select company_id, granularity, bucket, event_name, events from ${shape.from()}
       on conflict (company_id, granularity, bucket, event_name) do update set events = s.events + excluded.events`,
)

/**
 * Counts the next events of companies whose statistics the caller has locked, `limit` of each at most. Positions are dense
 * and only grow, so where the count stands is one number, moved in the same transaction. Answers with the number of events.
 */
export async function countEvents(db: Db, heads: readonly StatsHead[], limit: number, nowMs: number): Promise<number> {
  const ids = heads.map(({ company_id }) => company_id)
  const positions = heads.map(({ position }) => position)
  const counted = await countTrail(db, ids, positions, limit)
  if (counted.length === 0) return 0
  await addRows(db, ...shape.values(toBuckets(counted, nowMs)))
  const reached = Map.groupBy(counted, ({ company_id }) => company_id)
  const moved = [...reached].map(([company_id, rows]) => ({
    company_id,
    position: Math.max(...rows.map(({ last_position }) => last_position)),
  }))
  await moveStatsHeads(db, moved)
  return counted.reduce((sum, { events }) => sum + events, 0)
}

/** In the order of their keys. */
function toBuckets(counted: readonly Counted[], nowMs: number): readonly CountedBucket[] {
  const buckets = new Map<string, CountedBucket>()
  for (const { company_id: companyId, event_name: eventName, minute, events } of counted) {
    for (const { granularity, bucketMs } of bucketsOf(minute * 60_000, nowMs)) {
      const key = `${companyId} ${granularity} ${bucketMs} ${eventName}`
      const bucket = buckets.get(key)
      if (bucket) bucket.events += events
      else buckets.set(key, { companyId, granularity, bucketMs, eventName, events })
    }
  }
  return [...buckets.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, bucket]) => bucket)
}

const forgetRows = command<[companyId: string]>(
  'event_stats.delete_company',
  `delete from event_stats where company_id = $1`,
)

/**
 * Counts a company's events anew from the trail, which has all of them. The caller has locked its statistics, and reads one
 * snapshot.
 */
export async function recountEvents(db: Db, companyId: string, nowMs: number): Promise<number> {
  await forgetRows(db, companyId)
  let head: StatsHead = { company_id: companyId, position: 0 }
  for (;;) {
    const events = await countEvents(db, [head], EVENTS_AT_ONCE, nowMs)
    head = { ...head, position: head.position + events }
    if (events < EVENTS_AT_ONCE) return head.position
  }
}

const EVENTS_AT_ONCE = 50_000
