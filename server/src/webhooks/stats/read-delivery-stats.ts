import type { Db } from '../../db/statement.ts'
import { statement } from '../../db/statement.ts'
import { pieceParameters } from '../../events/stats/read-event-stats.ts'
import type { Granularity, Span } from '../../lib/time-buckets.ts'
import { coverSpan } from '../../lib/time-buckets.ts'
import type { DeliveryCounts, StatsKey } from './delivery-counts.ts'
import { addDeliveries, noDeliveries } from './delivery-counts.ts'

/** Whose deliveries: all, those of a subscription, or those of events of some names. */
export interface DeliveryScope {
  readonly scope: StatsKey['scope']
  /** One empty text for all. */
  readonly subjects: readonly string[]
}

const figureColumns = 'attempts, delivered, will_retry, failed, cancelled, unknown, latencies'
const columns = `${figureColumns}, reasons`

interface BucketRow extends DeliveryCounts {
  readonly bucket_ms: number
}

const readBuckets = statement<
  [companyId: string, granularity: string, scope: string, subjects: readonly string[], from: Date, to: Date],
  BucketRow
>(
  'delivery_stats.read_buckets',
  `select (extract(epoch from s.bucket) * 1000)::bigint as bucket_ms, ${figureColumns}, '{}'::jsonb as reasons
     from unnest($4::text[]) as x(subject)
    cross join lateral (
      select bucket, ${figureColumns}
        from delivery_stats
       where company_id = $1 and granularity = $2 and scope = $3 and subject = x.subject and not is_replay
         and bucket >= $5 and bucket < $6
    ) s`,
)

/** Counts by where their bucket begins, without reasons; those without any are absent. Replays are not in them. */
export async function deliveriesByBucket(
  db: Db,
  companyId: string,
  { scope, subjects }: DeliveryScope,
  span: Span,
  granularity: Granularity,
): Promise<ReadonlyMap<number, DeliveryCounts>> {
  const from = new Date(span.fromMs)
  const buckets = new Map<number, DeliveryCounts>()
  for (const row of await readBuckets(db, companyId, granularity, scope, subjects, from, new Date(span.toMs))) {
    const counts = buckets.get(row.bucket_ms)
    if (counts) addDeliveries(counts, row)
    else buckets.set(row.bucket_ms, row)
  }
  return buckets
}

const readPieces = statement<
  [
    companyId: string,
    granularities: readonly string[],
    froms: readonly Date[],
    tos: readonly Date[],
    scope: string,
    subjects: readonly string[],
    isReplay: boolean,
  ],
  DeliveryCounts
>(
  'delivery_stats.read_pieces',
  `select ${columns}
     from unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) as p(granularity, from_time, to_time)
    cross join unnest($6::text[]) as x(subject)
    cross join lateral (
      select ${columns}
        from delivery_stats
       where company_id = $1 and granularity = p.granularity and scope = $5 and subject = x.subject and is_replay = $7
         and bucket >= p.from_time and bucket < p.to_time
    ) s`,
)

/** All of a span together, from as few rows as can be. */
export async function sumDeliveries(
  db: Db,
  companyId: string,
  { scope, subjects }: DeliveryScope,
  span: Span,
  isReplay: boolean,
): Promise<DeliveryCounts> {
  const sum = noDeliveries()
  const pieces = pieceParameters(coverSpan(span))
  for (const row of await readPieces(db, companyId, ...pieces, scope, subjects, isReplay)) addDeliveries(sum, row)
  return sum
}

export interface WorstSubscription {
  readonly subscription_id: string
  readonly webhook_url: string
  readonly status: string
  readonly attempts: number
  readonly delivered: number
  readonly failed: number
  /** Calls that did not deliver. */
  readonly failed_attempts: number
}

const readWorst = statement<
  [companyId: string, granularities: readonly string[], froms: readonly Date[], tos: readonly Date[], limit: number],
  WorstSubscription
>(
  'delivery_stats.worst_subscriptions',
  `select w.subject as subscription_id, e.webhook_url, e.status, w.attempts, w.delivered, w.failed, w.failed_attempts
     from (
       select s.subject, sum(s.attempts)::bigint as attempts, sum(s.delivered)::bigint as delivered,
              sum(s.failed)::bigint as failed, sum(s.attempts - s.delivered)::bigint as failed_attempts
         from unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) as x(granularity, from_time, to_time)
        cross join lateral (
          select subject, sum(attempts) as attempts, sum(delivered) as delivered, sum(failed) as failed
            from delivery_stats
           where company_id = $1 and granularity = x.granularity and scope = 'subscription' and not is_replay
             and bucket >= x.from_time and bucket < x.to_time
           group by subject
         having sum(attempts) > 0
         ) s
        group by s.subject
       having sum(s.attempts) > sum(s.delivered)
        order by failed_attempts desc, s.subject
        limit $5
     ) w
    cross join lateral (
      select webhook_url, status from event_subscriptions where company_id = $1 and id = w.subject::uuid limit 1
    ) e
    order by w.failed_attempts desc, w.subject`,
)

/** Whose calls went wrong most often, replays left out. */
export async function worstSubscriptions(
  db: Db,
  companyId: string,
  span: Span,
  limit: number,
): Promise<readonly WorstSubscription[]> {
  return await readWorst(db, companyId, ...pieceParameters(coverSpan(span)), limit)
}
