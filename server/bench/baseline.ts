/** Process: what this machine can do at best, for the figures to be compared with. */
import { createSecretKey, randomBytes } from 'node:crypto'
import type { Dispatcher } from 'undici'
import { Pool } from 'undici'
import type { EmbeddedPostgres } from '../src/db/embedded/start-embedded-postgres.ts'
import { startEmbeddedPostgres } from '../src/db/embedded/start-embedded-postgres.ts'
import { migrate } from '../src/db/migrate.ts'
import { ensurePartitions } from '../src/db/partitions.ts'
import { openPools } from '../src/db/pools.ts'
import type { DbPool } from '../src/db/pools.ts'
import { inTransaction } from '../src/db/transaction.ts'
import { systemActor } from '../src/events/administrative-event.ts'
import type { NewEvent } from '../src/events/event.ts'
import { insertEvents } from '../src/events/insert-events.ts'
import { prepareEvents } from '../src/events/prepare-events.ts'
import { createCompany } from '../src/identity/companies.ts'
import { newId } from '../src/lib/ids.ts'
import { webhookBody } from '../src/webhooks/outgoing-event.ts'
import { signatureHeader } from '../src/webhooks/sign.ts'
import { APPOINTMENT, appointmentJson } from './appointment.ts'
import { answerCalls } from './calls.ts'
import { sharedNowMs } from './shared-clock.ts'

const calls = { signedPosts, inserts }

export type Baseline = typeof calls

/** Events for a company, ready to be written. */
async function makeEvents(companyId: string, count: number): Promise<readonly NewEvent[]> {
  const ids = Array.from({ length: count }, () => newId())
  const context = {
    companyId,
    definitions: { get: () => undefined, names: () => [] },
    allowUndeclared: true,
    defaultActor: systemActor,
    nowMs: Date.now(),
  }
  const inputs = ids.map((id) => ({
    event_name: APPOINTMENT,
    id,
    payload: null,
    entity_type: 'appointment',
    entity_id: id,
    related: [
      { type: 'customer', id: 'cus_1' },
      { type: 'branch', id: 'berlin-mitte' },
    ],
  }))
  return await prepareEvents(context, inputs, ids.map(appointmentJson), () => '')
}

const usualHeaders = ['accept-encoding', 'identity', 'content-type', 'application/json', 'user-agent', 'Daybook/0.1.0']

/**
 * A bare loop of signed POSTs: what the server sends for the measured event, signed and posted by the same functions and
 * the same HTTP client, with nothing around it. Answers with posts per second.
 */
async function signedPosts(url: string, posts: number, concurrency: number): Promise<number> {
  const [event] = await makeEvents(newId(), 1)
  if (!event) throw new Error('no event')
  const body = webhookBody(event, 1)
  const { origin, pathname } = new URL(url)
  const pool = new Pool(origin, { connections: concurrency, pipelining: 1, allowH2: false })
  const keys = [createSecretKey(randomBytes(32))]
  const ids = Array.from({ length: posts }, () => newId())
  let next = 0
  const work = async (): Promise<void> => {
    while (next < posts) {
      const id = ids[next++] ?? ''
      const timestamp = String(Math.floor(Date.now() / 1_000))
      const signature = signatureHeader(keys, id, Number(timestamp), body)
      const own = ['webhook-id', id, 'webhook-timestamp', timestamp, 'webhook-signature', signature]
      const headers = [...usualHeaders, ...own]
      await post(pool, { path: pathname, method: 'POST', headers, body })
    }
  }
  const startMs = sharedNowMs()
  await Promise.all(Array.from({ length: concurrency }, work))
  const tookMs = sharedNowMs() - startMs
  await pool.close()
  return (posts / tookMs) * 1_000
}

async function post(pool: Pool, options: Dispatcher.DispatchOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    pool.dispatch(options, {
      onRequestStart: () => {},
      onResponseStart: () => {},
      onResponseData: () => {},
      onResponseEnd: () => resolve(),
      onResponseError: (_controller, error) => reject(error),
    })
  })
}

/**
 * A bare batch of the inserts that a publish makes: the same statement on the same PostgreSQL in a directory of its own,
 * two connections at once, as the server does it. Answers with the best rate of several group sizes, in events per second.
 */
async function inserts(dataDir: string, rows: number): Promise<number> {
  starting = startEmbeddedPostgres({ dataDir, log: () => {} })
  const { url } = await starting
  await migrate(url, () => {})
  const pools = openPools({ url, onError: () => {} })
  try {
    await ensurePartitions(pools.owner, Date.now())
    const author = { actor: systemActor, nowMs: Date.now() }
    const company = await inTransaction(pools.engine, (db) => createCompany(db, author, { name: 'Baseline' }))
    const rates = []
    for (const batch of [100, 500, 500])
      rates.push(await insertRate(pools.engine, await makeEvents(company.id, rows), batch))
    return Math.max(...rates)
  } finally {
    await pools.close()
    await stopPostgres()
  }
}

async function insertRate(db: DbPool, events: readonly NewEvent[], batch: number): Promise<number> {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < events.length) {
      const from = next
      next += batch
      await insertEvents(db, events.slice(from, from + batch))
    }
  }
  const startMs = sharedNowMs()
  await Promise.all([work(), work()])
  return (events.length / (sharedNowMs() - startMs)) * 1_000
}

let starting: Promise<EmbeddedPostgres> | undefined

/** Left alone in the middle of a measurement, or of the start, this process still ends the database that it started. */
async function stopPostgres(): Promise<void> {
  const postgres = await starting?.catch(() => undefined)
  await postgres?.stop()
}

answerCalls(calls, stopPostgres)
