import { setTimeout as delay } from 'node:timers/promises'
import { withDatabase } from '../../src/cli/with-database.ts'
import { ensurePartitions, partitionName } from '../../src/db/partitions.ts'
import type { DbPool } from '../../src/db/pools.ts'
import type { Measured } from '../figures.ts'
import { acceptTimesMs, publish, receive } from '../session.ts'
import type { Session } from '../session.ts'
import { sharedNowMs } from '../shared-clock.ts'

const DAY_MS = 24 * 60 * 60 * 1_000
const PER_SECOND = 100
const ROUND_SECONDS = 2
const ROWS_AT_ONCE = 500_000
const LIMIT_MS = 20 * 60_000
const QUERY_TIMEOUT_MS = 120_000

/** Months that go whole at 60 days, and what is beyond 60 days in a month that does not. */
const DROPPED_DAYS = [290, 250, 210]
const ENDED_DAYS = 65
const DECISION = { payload_retention_days: 60, ledger_retention_days: null, rules: [] }

/**
 * Old events are written straight into the log, then a company decides to keep payloads for 60 days, while others publish
 * 100 events a second one by one. Of months that go whole only the rows of the log are there; what ends row by row has rows
 * of the trail, too, which lead to it and stay.
 */
export async function measureRetention(session: Session): Promise<Measured> {
  await session.server()
  const { dataDir, size } = session
  return await withDatabase(
    { databaseUrl: undefined, dataDir },
    () => {},
    async ({ owner }) => {
      const nowMs = Date.now()
      for (const days of DROPPED_DAYS) {
        await fill(owner, nowMs - days * DAY_MS, Math.ceil(size.retentionDropped / DROPPED_DAYS.length), false)
      }
      const endedAtMs = nowMs - ENDED_DAYS * DAY_MS
      await fill(owner, endedAtMs, size.retentionEnded, true)
      const load = publishUntilStopped(session)
      const decidedAtMs = sharedNowMs()
      await (await session.client()).request('PUT', '/retention', { body: DECISION })
      const isGone = DROPPED_DAYS.map((days) => `to_regclass('${monthOf(nowMs - days * DAY_MS)}') is null`)
      await until(owner, `select ${isGone.join(' and ')} as done`)
      const droppedAtMs = sharedNowMs()
      await until(
        owner,
        `select not exists (select 1 from ${monthOf(endedAtMs)} where event_name = 'bench.ended' limit 1) as done`,
      )
      const endedAfterMs = sharedNowMs() - droppedAtMs
      return {
        retention_drop_s: (droppedAtMs - decidedAtMs) / 1_000,
        retention_rows_per_s: (size.retentionEnded / endedAfterMs) * 1_000,
        retention_publish_max_ms: await load.stop(),
      }
    },
    { queryTimeoutMs: QUERY_TIMEOUT_MS },
  )
}

function monthOf(atMs: number): string {
  return partitionName('event_logs', new Date(atMs))
}

/** Answers, when it is stopped, with the milliseconds of the longest publish. */
function publishUntilStopped(session: Session): { stop(): Promise<number> } {
  let isStopped = false
  const run = async (): Promise<number> => {
    let longestMs = 0
    do {
      const plan = { events: PER_SECOND * ROUND_SECONDS, batch: 1, connections: 64, perSecond: PER_SECOND }
      const report = await publish(session, plan)
      longestMs = acceptTimesMs(report).reduce((longest, ms) => Math.max(longest, ms), longestMs)
      await receive(session, report.ids.length)
    } while (!isStopped)
    return longestMs
  }
  const running = run()
  running.catch(() => {}) // told of by stop
  return {
    stop: async () => {
      isStopped = true
      return await running
    },
  }
}

async function until(owner: DbPool, text: string): Promise<void> {
  for (const end = sharedNowMs() + LIMIT_MS; sharedNowMs() < end; await delay(50)) {
    const [row] = (await owner.query<{ done: boolean }>({ name: '', text, values: [] })).rows
    if (row?.done) return
  }
  throw new Error('Retention did not end what it should have')
}

/** Events of one moment, of the first company. */
async function fill(owner: DbPool, atMs: number, count: number, isInTrail: boolean): Promise<void> {
  await ensurePartitions(owner, atMs)
  const at = `'${new Date(atMs).toISOString()}'::timestamptz`
  const time = atMs.toString(16).padStart(12, '0')
  const prefix = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-`
  const payload = `'{"appointment_id":' || n || ',"note":"${'x'.repeat(150)}"}'`
  for (let from = 1; from <= count; from += ROWS_AT_ONCE) {
    const to = Math.min(count, from + ROWS_AT_ONCE - 1)
    const rows = `select company_id, last_position + n - ${to - from + 1} as position, n,
        ('${prefix}' || lpad(to_hex(n + ${from - 1}), 12, '0'))::uuid as id
      from head, generate_series(1, ${to - from + 1}) n`
    const trail = `, told as (
      insert into event_audit_trail (company_id, position, event_id, event_name, recorded_at, digest)
      select company_id, position, id, 'bench.ended', ${at}, '' from made)`
    const text = `with head as materialized (${isInTrail ? move(to - from + 1) : 'select company_id, last_position from company_heads'}),
      made as materialized (${rows}) ${isInTrail ? trail : ''}
      insert into event_logs (company_id, id, event_name, occurred_at, recorded_at, payload, payload_salt, digest,
        content_digest)
      select company_id, id, 'bench.ended', ${at}, ${at}, ${payload}, '', '', '' from made`
    await owner.query({ name: '', text, values: [] })
  }
}

/** The positions are taken as the router takes them. */
function move(count: number): string {
  return `update company_heads set last_position = last_position + ${count} returning company_id, last_position`
}
