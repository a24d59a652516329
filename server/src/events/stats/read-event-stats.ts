import type { Db } from '../../db/statement.ts'
import { statement } from '../../db/statement.ts'
import type { Granularity, Piece, Span } from '../../lib/time-buckets.ts'
import { coverSpan } from '../../lib/time-buckets.ts'

export interface EventCount {
  readonly event_name: string
  readonly events: number
}

type PieceParameters = [granularities: readonly string[], froms: readonly Date[], tos: readonly Date[]]

const sumByName = statement<[companyId: string, ...PieceParameters], EventCount>(
  'event_stats.sum_by_name',
  `select s.event_name, sum(s.events)::bigint as events
     from unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) as x(granularity, from_time, to_time)
    cross join lateral (
      select event_name, sum(events) as events
        from event_stats
       where company_id = $1 and granularity = x.granularity and bucket >= x.from_time and bucket < x.to_time
       group by event_name
    ) s
    group by s.event_name
    order by events desc, s.event_name`,
)

/** How many events of each name there were, the most frequent first; `daybook.*` among them. */
export async function sumEvents(db: Db, companyId: string, span: Span): Promise<readonly EventCount[]> {
  return await sumByName(db, companyId, ...pieceParameters(coverSpan(span)))
}

export function pieceParameters(pieces: readonly Piece[]): PieceParameters {
  return [
    pieces.map(({ granularity }) => granularity),
    pieces.map(({ fromMs }) => new Date(fromMs)),
    pieces.map(({ toMs }) => new Date(toMs)),
  ]
}

export interface EventBucket {
  /** Of the names that are shown by themselves. */
  readonly named: Readonly<Record<string, number>>
  /** Of all others together. */
  readonly others: number
}

const sumByBucket = statement<
  [
    companyId: string,
    granularity: string,
    from: Date,
    to: Date,
    names: readonly string[],
    namesOfTheirOwn: readonly string[],
  ],
  { readonly bucket_ms: number; readonly named: EventBucket['named'] | null; readonly others: number | null }
>(
  'event_stats.sum_by_bucket',
  `select (extract(epoch from bucket) * 1000)::bigint as bucket_ms,
          json_object_agg(event_name, events) filter (where event_name = any($6::text[])) as named,
          (sum(events) filter (where event_name <> all($6::text[])))::bigint as others
     from event_stats
    where company_id = $1 and granularity = $2 and bucket >= $3 and bucket < $4 and event_name = any($5::text[])
    group by bucket`,
)

/** Events of these names by where their bucket begins; some names by themselves, the others together. */
export async function eventsByBucket(
  db: Db,
  companyId: string,
  span: Span,
  granularity: Granularity,
  names: readonly string[],
  namesOfTheirOwn: readonly string[],
): Promise<ReadonlyMap<number, EventBucket>> {
  const [from, to] = [new Date(span.fromMs), new Date(span.toMs)]
  const rows = await sumByBucket(db, companyId, granularity, from, to, names, namesOfTheirOwn)
  return new Map(rows.map(({ bucket_ms, named, others }) => [bucket_ms, { named: named ?? {}, others: others ?? 0 }]))
}
