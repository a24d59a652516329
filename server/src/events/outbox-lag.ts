import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'

/** What is accepted and not yet routed. */
export interface OutboxLag {
  /** Counted up to the limit that was asked for. */
  readonly rows: number
  /** How long the first of them has waited, 0 when there is none. */
  readonly oldestSeconds: number
}

const readLag = statement<[limit: number], { rows: number; oldest_seconds: number | null }>(
  'outbox.lag',
  `select (select count(company_id) from (select company_id from event_outbox order by seq limit $1) o) as rows,
          (select extract(epoch from now() - e.recorded_at)::double precision
             from (select company_id, event_id from event_outbox order by seq limit 1) o
            cross join lateral (
              select recorded_at from event_logs where company_id = o.company_id and id = o.event_id limit 1) e
          ) as oldest_seconds`,
)

/** The time of an event is that of the process which accepted it, so its age is as good as the clocks. */
export async function readOutboxLag(db: Db, limit: number): Promise<OutboxLag> {
  const [row] = await readLag(db, limit)
  return { rows: row?.rows ?? 0, oldestSeconds: Math.max(0, row?.oldest_seconds ?? 0) }
}
