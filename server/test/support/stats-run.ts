import { randomUUID } from 'node:crypto'
import { Leadership } from '../../src/db/leadership.ts'
import type { Db } from '../../src/db/statement.ts'
import type { Pools } from '../../src/db/pools.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { latencyBounds } from '../../src/lib/latency-histogram.ts'
import { StatsKeeper } from '../../src/webhooks/stats/keep-stats.ts'
import { sql } from './sql.ts'

const REST_MS = 12_345

export interface StatsRun {
  readonly keeper: StatsKeeper
  readonly leadership: Leadership
  /** Round after round until everything is counted. */
  count(): Promise<void>
}

/** The loop that keeps the statistics, moved by hand. */
export function statsRun(pools: Pools): StatsRun {
  const leadership = new Leadership({ db: pools.engine, clock: systemClock, name: 'stats', holder: randomUUID() })
  const keeper = new StatsKeeper({ pool: pools.engine, leadership, clock: systemClock, restMs: REST_MS })
  return {
    keeper,
    leadership,
    count: async () => {
      while ((await keeper.round()) !== REST_MS);
    },
  }
}

/** Every number that the statistics of all companies hold, one line each, in an order. */
export async function storedStats(owner: Db): Promise<readonly string[]> {
  const rows = await sql<{ line: string }>(
    owner,
    `select concat_ws(' ', company_id, granularity, extract(epoch from bucket)::bigint, event_name, events) as line
       from event_stats
     union all
     select concat_ws(' ', company_id, granularity, extract(epoch from bucket)::bigint, scope, subject, is_replay, what, n)
       from delivery_stats
      cross join lateral (
        values ('attempts', attempts), ('delivered', delivered), ('will_retry', will_retry), ('failed', failed),
               ('cancelled', cancelled), ('unknown', unknown)
        union all
        select key, value::bigint from jsonb_each_text(reasons)
        union all
        select 'latency ' || key, value::bigint from jsonb_each_text(latencies)
      ) as counted(what, n)
      where n > 0
      order by 1`,
  )
  return rows.map(({ line }) => line)
}

/** The same, counted from the trail and the ledger by statements that share nothing with the program's. */
export async function recountedStats(owner: Db): Promise<readonly string[]> {
  const rows = await sql<{ line: string }>(
    owner,
    `with ends as (
       select l.*, to_timestamp(('x' || substr(replace(id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0) as at,
              (select count(*) from unnest($1::float8[]) as bound where bound <= total_ms) + 1 as latency
         from webhook_logs l
        where not is_test
     ), placed as (
       select e.*, g as granularity, extract(epoch from date_trunc(g, at, 'UTC'))::bigint as bucket, s.scope, s.subject
         from ends e
        cross join unnest(array['minute', 'hour', 'day']) as g
        cross join lateral (
          values ('all', ''), ('subscription', subscription_id::text), ('event_name', event_name)) as s(scope, subject)
     )
     select concat_ws(' ', company_id, g, extract(epoch from date_trunc(g, recorded_at, 'UTC'))::bigint, event_name, count(*)) as line
       from event_audit_trail
      cross join unnest(array['minute', 'hour', 'day']) as g
      group by company_id, g, date_trunc(g, recorded_at, 'UTC'), event_name
     union all
     select concat_ws(' ', company_id, granularity, bucket, scope, subject, replay_id is not null, what, count(*))
       from placed
      cross join lateral (
        values (case when attempt_no > 0 then 'attempts' end), (outcome), (outcome || ' ' || reason),
               (case when response_status is not null then 'latency ' || latency end)
      ) as counted(what)
      where what is not null
      group by company_id, granularity, bucket, scope, subject, replay_id is not null, what
      order by 1`,
    [latencyBounds],
  )
  return rows.map(({ line }) => line)
}
