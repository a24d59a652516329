import { hash } from 'node:crypto'
import type { Leadership } from '../../db/leadership.ts'
import { NotLeader } from '../../db/leadership.ts'
import type { DbPool } from '../../db/pools.ts'
import type { Db } from '../../db/statement.ts'
import { statement } from '../../db/statement.ts'
import { inTransaction, sqlState } from '../../db/transaction.ts'
import { systemActor } from '../../events/administrative-event.ts'
import type { NewEvent } from '../../events/event.ts'
import { headerOf } from '../../events/event.ts'
import { isReservedEventName } from '../../events/event-names.ts'
import { insertEvents } from '../../events/insert-events.ts'
import { sumEvents } from '../../events/stats/read-event-stats.ts'
import type { Clock } from '../../lib/clock.ts'
import { eventDigest, newSalt } from '../../lib/digest.ts'
import { failpoint } from '../../lib/failpoint.ts'
import { firstIdOfMs, newId } from '../../lib/ids.ts'
import { latenciesAt } from '../../lib/latency-histogram.ts'
import type { Span } from '../../lib/time-buckets.ts'
import { bucketMs, bucketOf } from '../../lib/time-buckets.ts'
import { sumDeliveries } from './read-delivery-stats.ts'

/**
 * Tells companies that want it (`daily_metrics`) how their day was: one `metrics.updated` of the day that ended last, in UTC,
 * as soon as all of it is counted.
 *
 * Once per company and day, whoever is killed: the event carries an idempotency key made of the day, and is not written where the
 * key is known. A day in which no server ran until its next midnight is left out.
 */
export interface DailyMetricsOptions {
  readonly pool: DbPool
  /** Of the statistics. */
  readonly leadership: Leadership
  readonly clock: Clock
  /** An event was committed. */
  readonly onRecorded: () => void
}

const METRIC_SET = 'daybook-daily'
/** Of server/definitions/metrics.updated.json. */
const DEFINITION_VERSION = 1
const COMPANIES_AT_ONCE = 100
const UNIQUE_VIOLATION = '23505'

/** Who wants it, was not told yet, and has nothing of the day that is not counted. A plain scan over the companies. */
const findDue = statement<[key: string, midnightId: string, midnight: Date, limit: number], { company_id: string }>(
  'daily_metrics.find_due',
  `select c.id as company_id
     from companies c
    where c.settings -> 'daily_metrics' = 'true'::jsonb and c.created_at < $3
      and not exists (select 1 from publish_keys k where k.company_id = c.id and k.key = $1)
      and not exists (select 1 from attempt_journal j where j.company_id = c.id and j.id < $2::uuid)
      and not exists (
        select 1
          from event_audit_trail t
         where t.company_id = c.id and t.recorded_at < $3
           and t.position = 1 + coalesce((select s.position from stats_heads s where s.company_id = c.id), 0))
    order by c.id
    limit $4`,
)

/** Answers with the number of companies that were told. */
export async function tellDailyMetrics(options: DailyMetricsOptions): Promise<number> {
  const { pool, leadership, clock, onRecorded } = options
  if (!leadership.leads) return 0
  const nowMs = clock.now()
  const toMs = bucketOf(nowMs, 'day')
  const day = { fromMs: toMs - bucketMs.day, toMs }
  const key = keyOf(day)
  let told = 0
  for (const { company_id } of await findDue(pool, key, firstIdOfMs(toMs), new Date(toMs), COMPANIES_AT_ONCE)) {
    try {
      await inTransaction(pool, async (db) => {
        await leadership.confirm(db)
        await insertEvents(db, [await metricsEvent(db, company_id, day, nowMs)])
        await failpoint('daily_metrics.before_commit')
      })
      told++
    } catch (error) {
      if (error instanceof NotLeader) break
      if (sqlState(error) !== UNIQUE_VIOLATION) throw error // another process told it meanwhile
    }
  }
  if (told > 0) onRecorded()
  return told
}

function keyOf({ fromMs }: Span): string {
  return `daybook:${METRIC_SET}:${new Date(fromMs).toISOString().slice(0, 10)}`
}

async function metricsEvent(db: Db, companyId: string, day: Span, nowMs: number): Promise<NewEvent> {
  const at = new Date(nowMs).toISOString()
  const payload = JSON.stringify({
    metric_set: METRIC_SET,
    period: {
      starts_at: new Date(day.fromMs).toISOString(),
      ends_at: new Date(day.toMs).toISOString(),
      granularity: 'day',
      time_zone: 'UTC',
    },
    values: await readValues(db, companyId, day),
    final: true,
    computed_at: at,
  })
  const draft = {
    companyId,
    id: newId(nowMs),
    eventName: 'metrics.updated',
    definitionVersion: DEFINITION_VERSION,
    entity: { type: 'metric_set', id: METRIC_SET },
    related: [],
    actor: systemActor,
    source: 'daybook',
    correlationId: undefined,
    causationId: undefined,
    occurredAt: at,
    recordedAt: at,
    payload,
    idempotencyKey: keyOf(day),
  }
  const salt = newSalt()
  const digest = eventDigest(headerOf(draft), salt, payload)
  return { ...draft, salt, digest, contentDigest: hash('sha256', payload, 'buffer') }
}

interface Figure {
  readonly value: number
  readonly unit?: 'share' | 'seconds'
  readonly previous?: number
}

async function readValues(db: Db, companyId: string, day: Span): Promise<Readonly<Record<string, Figure>>> {
  const now = await readDay(db, companyId, day)
  const before = await readDay(db, companyId, { fromMs: day.fromMs - bucketMs.day, toMs: day.fromMs })
  const figure = (value: number | undefined, previous: number | undefined, unit?: Figure['unit']): Figure | undefined =>
    value === undefined ? undefined : { value, ...(unit && { unit }), ...(previous !== undefined && { previous }) }
  const figures = {
    events: figure(now.events, before.events),
    attempts: figure(now.attempts, before.attempts),
    deliveries_delivered: figure(now.delivered, before.delivered),
    deliveries_failed: figure(now.failed, before.failed),
    delivery_success: figure(now.success, before.success, 'share'),
    latency_p95: figure(now.p95, before.p95, 'seconds'),
  }
  return Object.fromEntries(Object.entries(figures).flatMap(([name, one]) => (one ? [[name, one]] : [])))
}

async function readDay(db: Db, companyId: string, day: Span) {
  const names = await sumEvents(db, companyId, day)
  const events = names.reduce((sum, one) => sum + (isReservedEventName(one.event_name) ? 0 : one.events), 0)
  const all = { scope: 'all', subjects: [''] } as const
  const { attempts, delivered, failed, latencies } = await sumDeliveries(db, companyId, all, day, false)
  const [p95Ms] = latenciesAt(latencies, [0.95])
  const ended = delivered + failed
  return {
    events,
    attempts,
    delivered,
    failed,
    success: ended === 0 ? undefined : delivered / ended,
    p95: p95Ms === undefined ? undefined : Number((p95Ms / 1_000).toPrecision(4)),
  }
}
