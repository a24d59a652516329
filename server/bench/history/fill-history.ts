/**
 * Millions of events, as if they had been published, routed and delivered, by COPY into the tables as they are: nothing of
 * the schema is left out meanwhile. Then the statistics are counted by the product's own recount.
 */
import { randomFillSync } from 'node:crypto'
import { startEmbeddedPostgres } from '../../src/db/embedded/start-embedded-postgres.ts'
import { ensurePartitions } from '../../src/db/partitions.ts'
import type { DbPool, Pools } from '../../src/db/pools.ts'
import { openPools } from '../../src/db/pools.ts'
import { inTransaction } from '../../src/db/transaction.ts'
import { systemActor } from '../../src/events/administrative-event.ts'
import { createCompany } from '../../src/identity/companies.ts'
import { bucketMs } from '../../src/lib/time-buckets.ts'
import { rebuildStats } from '../../src/webhooks/stats/rebuild-stats.ts'
import type { CopyInto } from './copy-into.ts'
import { copyInto, copyLine } from './copy-into.ts'
import type { MadeEvent, Story } from './made-event.ts'
import { eventNames, madeEvent } from './made-event.ts'
import type { MadeAttempt } from './made-ledger.ts'
import { firstPending, isPending, madeAttempts, SUBSCRIPTIONS, subscriptionIdOf } from './made-ledger.ts'

export interface FilledHistory {
  /** Of the company that has most of the events: the one that was there. */
  readonly companyId: string
  readonly story: Story
  /** What counting all statistics anew took. */
  readonly recountMs: number
}

export interface FillOptions {
  /** With a company in it, and no Daybook that runs on it. */
  readonly dataDir: string
  /** Of three companies; eight in ten are of the first. */
  readonly events: number
  readonly entities: number
  readonly nowMs: number
  /** Told of the database when it runs, so that an interrupted run can stop it. */
  readonly onStart: (stop: () => Promise<void>) => void
}

const DAYS = 60

/** For loading alone: one checkpoint, at the end, and memory for the ends of the indexes that are written to. */
const loadingSettings = {
  max_wal_size: '64GB',
  checkpoint_timeout: '1d',
  full_page_writes: 'off',
  shared_buffers: '1GB',
  maintenance_work_mem: '256MB',
  autovacuum: 'off',
}

export async function fillHistory(options: FillOptions): Promise<FilledHistory> {
  const { dataDir, events, entities, nowMs } = options
  const postgres = await startEmbeddedPostgres({ dataDir, log: () => {}, settings: loadingSettings })
  options.onStart(async () => await postgres.stop())
  const pools = openPools({ url: postgres.url, queryTimeoutMs: 0, onError: () => {} })
  try {
    for (let daysAgo = DAYS; daysAgo >= 0; daysAgo -= 30)
      await ensurePartitions(pools.owner, nowMs - daysAgo * bucketMs.day)
    const companies = await makeCompanies(pools, nowMs)
    const span = { fromMs: nowMs - DAYS * bucketMs.day, toMs: nowMs }
    const tellers = companies.map(({ id, last_position }, index): Teller => {
      const story = { company: index + 1, events: 0, entities, ...span }
      return {
        companyId: id,
        position: last_position,
        told: 0,
        story: { ...story, events: sharesOf(events)[index] ?? 0 },
      }
    })
    await copyEvents(postgres.url, tellers)
    for (const teller of tellers) await makeSurroundings(pools.owner, teller)
    await vacuum(pools.owner)
    const beganMs = performance.now()
    for (const { companyId } of tellers) await rebuildStats(pools.engine, companyId, nowMs)
    const recountMs = performance.now() - beganMs
    await run(pools.owner, 'vacuum (analyze) event_stats, delivery_stats')
    const [first] = tellers
    if (!first) throw new Error('There is no company')
    return { companyId: first.companyId, story: first.story, recountMs }
  } finally {
    await pools.close()
    await postgres.stop()
  }
}

/** Who tells the story of a company. */
interface Teller {
  readonly companyId: string
  readonly story: Story
  /** Of the last event that was told, or was there before. */
  position: number
  told: number
}

/** In turn: of ten events, eight are of the first company and one of each other. */
const turns = [0, 0, 0, 0, 1, 0, 0, 0, 0, 2]

function sharesOf(events: number): readonly number[] {
  return [0, 1, 2].map((company) => {
    const isOwn = (turn: number): boolean => turn === company
    return (
      Math.floor(events / turns.length) * turns.filter(isOwn).length +
      turns.slice(0, events % turns.length).filter(isOwn).length
    )
  })
}

interface Head {
  readonly id: string
  readonly last_position: number
}

async function makeCompanies({ engine, owner }: Pools, nowMs: number): Promise<readonly Head[]> {
  const author = { actor: systemActor, nowMs }
  for (const name of ['Second', 'Third'])
    await inTransaction(engine, async (db) => await createCompany(db, author, { name }))
  const text = 'select company_id as id, last_position from company_heads order by company_id'
  return (await owner.query<Head>({ name: '', text, values: [] })).rows
}

const columns = {
  event_logs: `company_id id event_name entity_type entity_id related actor_type actor_id actor_name source correlation_id
    causation_id occurred_at recorded_at payload payload_salt digest content_digest`,
  event_audit_trail: `company_id position event_id event_name entity_type entity_id actor_type actor_id source correlation_id
    recorded_at digest`,
  event_entities: 'company_id entity_type entity_id position event_id is_related',
  webhook_logs: `company_id id delivery_id subscription_id event_id event_name position attempt_no outcome reason webhook_url
    response_status dns_ms connect_ms first_byte_ms total_ms started_at created_at`,
  webhook_deliveries: 'company_id id subscription_id event_id position due_at',
} as const

type Table = keyof typeof columns
const tables: readonly Table[] = [
  'event_logs',
  'event_audit_trail',
  'event_entities',
  'webhook_logs',
  'webhook_deliveries',
]

const EVENTS_AT_ONCE = 1_000

/** All tables side by side, in the order in which the events would have come. */
async function copyEvents(url: string, tellers: readonly Teller[]): Promise<void> {
  const copies = new Map<Table, CopyInto>()
  for (const table of tables) copies.set(table, await copyInto(url, table, columns[table].split(/\s+/)))
  const total = tellers.reduce((sum, { story }) => sum + story.events, 0)
  for (let told = 0; told < total;) {
    const lines: Record<Table, string> = {
      event_logs: '',
      event_audit_trail: '',
      event_entities: '',
      webhook_logs: '',
      webhook_deliveries: '',
    }
    for (const end = Math.min(total, told + EVENTS_AT_ONCE); told < end; told++) {
      const teller = tellers[turns[told % turns.length] ?? 0]
      if (teller) tellNext(teller, lines)
    }
    await Promise.all(tables.map(async (table) => await copies.get(table)?.write(lines[table])))
  }
  await Promise.all([...copies.values()].map(async (copy) => await copy.end()))
}

function tellNext(teller: Teller, lines: Record<Table, string>): void {
  const { companyId, story } = teller
  const n = teller.told++
  const position = ++teller.position
  const event = madeEvent(story, n)
  const { id, name, entity, related, actor, source, correlationId, causationId, payload } = event
  const recordedAt = new Date(event.recordedMs).toISOString()
  const digest = randomBytes(32)
  const refs = related.length === 0 ? null : JSON.stringify(related)
  const facts = [name, entity.type, entity.id]
  const origin = [source, correlationId]
  const stored = [recordedAt, recordedAt, payload, randomBytes(16), digest, randomBytes(32)]
  const actorFields = [actor.type, actor.id]
  const logged = [companyId, id, ...facts, refs, ...actorFields, 'Ada Lovelace', ...origin, causationId, ...stored]
  lines.event_logs += copyLine(logged)
  const trail = [companyId, position, id, ...facts, ...actorFields, ...origin, recordedAt, digest]
  lines.event_audit_trail += copyLine(trail)
  lines.event_entities += copyLine([companyId, entity.type, entity.id, position, id, false])
  for (const one of related) lines.event_entities += copyLine([companyId, one.type, one.id, position, id, true])
  for (const attempt of madeAttempts(story, n, event)) {
    lines.webhook_logs += attemptLine(companyId, position, event, attempt)
  }
  if (isPending(story, n)) {
    const deliveryId = `${id.slice(0, 14)}8${id.slice(15)}`
    lines.webhook_deliveries += copyLine([companyId, deliveryId, subscriptionIdOf(story, 0), id, position, recordedAt])
  }
}

function attemptLine(companyId: string, position: number, event: MadeEvent, attempt: MadeAttempt): string {
  const { id, deliveryId, subscriptionId, attemptNo, outcome, reason, status, latencyMs, startedMs } = attempt
  const times = latencyMs === null ? [null, null, null, null] : [0.1, 0.4, latencyMs - 1, latencyMs]
  const startedAt = new Date(startedMs).toISOString()
  const subject = [companyId, id, deliveryId, subscriptionId, event.id, event.name, position]
  const end = [attemptNo, outcome, reason, 'https://example.com/hooks', status]
  return copyLine([...subject, ...end, ...times, startedAt, startedAt])
}

/** Digests and salts are of the right form; nothing that is measured computes them again. */
const pool = Buffer.alloc(64 * 1024)
let used = pool.length

function randomBytes(count: number): Buffer {
  if (used + count > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += count
  return pool.subarray(used - count, used)
}

/** The head of the company, and its subscriptions: the first one is not active and has deliveries that wait. */
async function makeSurroundings(owner: DbPool, { companyId, story, position }: Teller): Promise<void> {
  const numbers = Array.from({ length: SUBSCRIPTIONS }, (_, number) => number)
  const ids = numbers.map((number) => subscriptionIdOf(story, number))
  const names = numbers.map((number) => eventNames[number % eventNames.length])
  const heldFrom = position - (story.events - firstPending(story))
  const rows = `select $1::uuid as company_id, x.id, 'https://example.com/hooks' as url, array[x.name] as names, x.n as version,
      case when x.n = 1 then 'inactive' else 'active' end as status, case when x.n = 1 then greatest(1, $4::bigint) end as held
    from unnest($2::uuid[], $3::text[]) with ordinality as x(id, name, n)`
  const values = [companyId, ids, names, heldFrom]
  const insert = async (text: string): Promise<void> => void (await owner.query({ name: '', text, values }))
  await insert(`insert into event_subscriptions
      (company_id, id, version, webhook_url, event_names, status, held_from_position, concurrency, timeout_ms)
    select company_id, id, version, url, names, status, held, 10, 15000 from (${rows}) x`)
  await insert(`insert into event_subscription_versions
      (company_id, version, subscription_id, webhook_url, event_names, status, concurrency, timeout_ms, created_at)
    select company_id, version, id, url, names, status, 10, 15000, now() - interval '${DAYS + 1} days' from (${rows}) x`)
  await insert(`insert into subscription_health (company_id, subscription_id) select company_id, id from (${rows}) x`)
  await owner.query({
    name: '',
    text: `update company_heads
              set last_position = $2, subscription_version = subscription_version + $3, subscriptions = subscriptions + $3
            where company_id = $1`,
    values: [companyId, position, SUBSCRIPTIONS],
  })
}

/** What autovacuum has done in a database that was written to for months. Two at once, on the two connections. */
async function vacuum(owner: DbPool): Promise<void> {
  const halves = ['event_entities, webhook_logs, webhook_deliveries', 'event_audit_trail, event_logs']
  await Promise.all(halves.map(async (names) => await run(owner, `vacuum (analyze) ${names}`)))
}

async function run(owner: DbPool, text: string): Promise<void> {
  await owner.query({ name: '', text, values: [] })
}
