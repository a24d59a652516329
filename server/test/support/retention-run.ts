import { randomUUID } from 'node:crypto'
import { Leadership } from '../../src/db/leadership.ts'
import { ensurePartitions } from '../../src/db/partitions.ts'
import type { DbPool, Pools } from '../../src/db/pools.ts'
import type { NewEvent } from '../../src/events/event.ts'
import type { Retention } from '../../src/events/retention/retention-rules.ts'
import { keepAll } from '../../src/events/retention/retention-rules.ts'
import { changeRetention } from '../../src/events/retention/retention-settings.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { newId } from '../../src/lib/ids.ts'
import type { RetentionKeeperOptions } from '../../src/webhooks/retention/retention-keeper.ts'
import { RetentionKeeper } from '../../src/webhooks/retention/retention-keeper.ts'
import type { TestCompany } from './company.ts'
import { author } from './company.ts'
import { sql } from './sql.ts'

const IDLE_MS = 12_345
const DAY_MS = 24 * 60 * 60 * 1_000

export interface RetentionRun {
  readonly keeper: RetentionKeeper
  readonly leadership: Leadership
  readonly ended: { readonly what: string; readonly rows?: number }[]
  readonly busy: string[]
  readonly errors: unknown[]
  /** Round after round until nothing is left to end now. */
  work(): Promise<void>
}

/** The loop of retention, moved by hand. */
export function retentionRun(pools: Pools, options: Partial<RetentionKeeperOptions> = {}): RetentionRun {
  const leadership = new Leadership({ db: pools.engine, clock: systemClock, name: 'retention', holder: randomUUID() })
  const ended: RetentionRun['ended'] = []
  const busy: string[] = []
  const errors: unknown[] = []
  const keeper = new RetentionKeeper({
    owner: pools.owner,
    leadership,
    clock: systemClock,
    onEnded: (one) => void ended.push(one),
    onDropped: (what) => void ended.push({ what }),
    onError: (error) => void errors.push(error),
    onBusy: (partition) => void busy.push(partition),
    idleMs: IDLE_MS,
    passMs: 0,
    ...options,
  })
  return {
    keeper,
    leadership,
    ended,
    busy,
    errors,
    work: async () => {
      while ((await keeper.round()) !== IDLE_MS);
    },
  }
}

export async function decideRetention(company: TestCompany, retention: Partial<Retention>): Promise<void> {
  const now = { ...author, nowMs: Date.now() }
  await company.asCompany(async (db) => await changeRetention(db, now, company.id, { ...keepAll, ...retention }))
}

/** So many days ago, to the millisecond. */
export function daysAgoMs(days: number): number {
  return Date.now() - days * DAY_MS
}

/** Events that were recorded so many days ago, with positions; what they are owed is written as for new ones. */
export async function publishDaysAgo(
  pools: Pools,
  company: TestCompany,
  days: number,
  ...events: Partial<NewEvent>[]
): Promise<readonly NewEvent[]> {
  const atMs = daysAgoMs(days)
  await ensurePartitions(pools.owner, atMs)
  const at = new Date(atMs).toISOString()
  const made = await company.publish(
    ...events.map((event) => ({ id: newId(atMs), recordedAt: at, occurredAt: at, ...event })),
  )
  await company.route()
  return made
}

/** A row of the ledger from so many days ago. Answers with its id. */
export async function addAttemptDaysAgo(
  pools: Pools,
  company: TestCompany,
  days: number,
  row: { readonly deliveryId?: string; readonly outcome?: string } = {},
): Promise<string> {
  const atMs = daysAgoMs(days)
  await ensurePartitions(pools.owner, atMs)
  const id = newId(atMs)
  await sql(
    pools.owner,
    `insert into webhook_logs (company_id, id, delivery_id, subscription_id, event_id, event_name, position, attempt_no,
            outcome, reason, webhook_url, started_at, created_at)
     values ($1, $2, $3, gen_random_uuid(), gen_random_uuid(), 'thing.happened', 1, 1, $4, 'http_200',
             'https://example.com/hook', $5, $5)`,
    [company.id, id, row.deliveryId ?? newId(atMs), row.outcome ?? 'delivered', new Date(atMs).toISOString()],
  )
  return id
}

/**
 * Many events with a row of the ledger each, all of so many days ago: rows and nothing else.
 * @param rows.from the position of the first
 */
export async function addRowsDaysAgo(
  owner: DbPool,
  companyId: string,
  rows: { readonly days: number; readonly eventName: string; readonly count: number; readonly from: number },
): Promise<void> {
  const atMs = daysAgoMs(rows.days)
  await ensurePartitions(owner, atMs)
  const values = [companyId, rows.eventName, new Date(atMs).toISOString(), rows.from, rows.count]
  const ids = `select n, (substr(u, 1, 8) || '-' || substr(u, 9, 4) || '-7' || substr(u, 13, 3) || '-8' || substr(u, 16, 3) || '-'
                       || substr(u, 19, 12))::uuid as id
     from (select n, lpad(to_hex(floor(extract(epoch from $3::timestamptz) * 1000)::bigint), 12, '0')
                       || lpad(to_hex($4::bigint + n), 18, '0') as u
             from generate_series(0, $5::int - 1) n) u`
  await sql(
    owner,
    `with made as materialized (${ids}), logged as (
       insert into event_logs (company_id, id, event_name, occurred_at, recorded_at, payload, payload_salt, digest, content_digest)
       select $1, id, $2, $3, $3, '{"n":' || n || '}', '', '', '' from made
     ), told as (
       insert into event_audit_trail (company_id, position, event_id, event_name, recorded_at, digest)
       select $1, $4::bigint + n, id, $2, $3, '' from made
     )
     insert into webhook_logs (company_id, id, delivery_id, subscription_id, event_id, event_name, position, attempt_no,
            outcome, reason, webhook_url, started_at)
     select $1, id, id, id, id, $2, $4::bigint + n, 1, 'delivered', 'http_200', 'https://example.com/hook', $3 from made`,
    values,
  )
}
