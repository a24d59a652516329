import { Client } from 'pg'
import type { Lane } from './standstill.ts'
import { withClient } from './with-client.ts'

/** A delivery that somebody has leased. */
export interface LeasedRow {
  readonly id: string
  readonly company_id: string
  readonly subscription_id: string
  readonly lease_token: string
  readonly attempts: number
  /** When the lease ends. */
  readonly due_ms: number
  readonly now_ms: number
}

export interface LaneRow extends Lane {
  readonly id: string
  readonly breaker: string
  readonly failures: number
  readonly isSlow: boolean
  readonly concurrency: number
  readonly timeoutMs: number
}

const LEASED = `
  select id, company_id, subscription_id, lease_token, attempts,
         extract(epoch from due_at)::float8 * 1000 as due_ms,
         extract(epoch from clock_timestamp())::float8 * 1000 as now_ms
    from webhook_deliveries
   where lease_token is not null`

const LANES = `
  select s.id, s.status, s.concurrency, s.timeout_ms as "timeoutMs",
         h.breaker, h.breaker_failures as failures, h.is_slow as "isSlow",
         coalesce(h.breaker = 'open' and h.breaker_open_until > clock_timestamp(), false) as "isOpen",
         (select d.due_at || ' ' || count(*) from webhook_deliveries d
           where d.company_id = s.company_id and d.subscription_id = s.id
             and d.due_at = (select min(due_at) from webhook_deliveries
                              where company_id = s.company_id and subscription_id = s.id and due_at <= now())
           group by d.due_at) as head
    from event_subscriptions s
    left join subscription_health h on h.company_id = s.company_id and h.subscription_id = s.id
   where s.company_id = any($1) and s.id = any($2)`

const CROWD = `
  select count(*) filter (where due_at <= now())::int as due,
         count(*) filter (where due_at <= now() and due_at < to_timestamp($3::float8 / 1000))::int as before,
         count(*) filter (where due_at > now() and lease_token is not null)::int as leased,
         (select count(*) from pg_stat_activity
           where state = 'idle in transaction' and state_change < now() - interval '1 second')::int as idle_transactions,
         (select count(*) from pg_stat_activity where wait_event_type = 'Lock')::int as waiting_sessions
    from webhook_deliveries
   where company_id = $1 and subscription_id = $2`

interface CrowdRow {
  due: number
  before: number
  leased: number
  idle_transactions: number
  waiting_sessions: number
}

export async function readAllLeased(url: string): Promise<LeasedRow[]> {
  return await withClient(url, async (client) => (await client.query<LeasedRow>(LEASED)).rows)
}

/** Those of these deliveries that somebody has leased still, by {@link leaseKey}. */
export async function readLeased(client: Client, held: readonly LeasedRow[]): Promise<Map<string, LeasedRow>> {
  const keys = [held.map((row) => row.company_id), held.map((row) => row.id)]
  const { rows } = await client.query<LeasedRow>(`${LEASED} and company_id = any($1) and id = any($2)`, keys)
  return new Map(rows.map((row) => [leaseKey(row), row]))
}

export function leaseKey({ id, lease_token }: LeasedRow): string {
  return `${id} ${lease_token}`
}

/** The subscriptions of these deliveries, by id. */
export async function readLanes(client: Client, held: readonly LeasedRow[]): Promise<Map<string, LaneRow>> {
  const companies = new Set(held.map((row) => row.company_id))
  const subscriptions = new Set(held.map((row) => row.subscription_id))
  const { rows } = await client.query<LaneRow>(LANES, [[...companies], [...subscriptions]])
  return new Map(rows.map((lane) => [lane.id, lane]))
}

/** What may keep a delivery waiting at this moment, for people. */
export async function describeLane(client: Client, held: LeasedRow, lane: LaneRow): Promise<string> {
  const { rows } = await client.query<CrowdRow>(CROWD, [held.company_id, held.subscription_id, held.due_ms])
  const crowd = rows[0]
  return [
    `${lane.status}, deadline ${lane.timeoutMs} ms`,
    `breaker ${lane.breaker} (${lane.failures} failures)${lane.isSlow ? ', slow' : ''}`,
    `${crowd?.leased} of ${lane.concurrency} calls leased`,
    `${crowd?.due} due, ${crowd?.before} of them before it`,
    `${crowd?.idle_transactions} transactions idle, ${crowd?.waiting_sessions} sessions wait for a lock`,
  ].join(', ')
}

export async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000, query_timeout: 5_000 })
  client.on('error', () => {})
  await client.connect()
  return client
}
