import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { call, textOf } from '../support/api.ts'
import { startDaybook } from '../support/daybook-process.ts'
import { startEmbeddedPostgres } from '../../src/db/embedded/start-embedded-postgres.ts'
import { judge, startJournal } from '../support/history.ts'
import { until } from '../support/until.ts'

test('[goes-on-by-itself] after an immediate restart of the database, within ten seconds, without a restart of Daybook (F11)', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'daybook-restart-'))
  t.after(async () => await rm(dataDir, { recursive: true, force: true }))
  const settings = { restart_after_crash: 'on' }
  const postgres = await startEmbeddedPostgres({ dataDir, log: () => {}, settings })
  t.after(async () => await postgres.stop())
  const journal = await startJournal(t)
  const server = await startDaybook(t, { DATABASE_URL: postgres.url })
  const subscription = { webhook_url: `${journal.url}/hook`, event_names: ['*'], timeout_ms: 1_000 }
  const created = await call(server.url, 'POST', '/events/subscriptions', subscription)
  const history = { acknowledged: new Map<string, string>(), unknown: new Map<string, string>() }

  const publishOne = async (id: string): Promise<number> => {
    const body = `{"event_name":"fault.tried","id":"${id}","payload":{"a":1.0}}`
    const { status } = await call(server.url, 'POST', '/events', body)
    if (status < 300) history.acknowledged.set(id, '{"a":1.0}')
    else history.unknown.set(id, '{"a":1.0}')
    return status
  }

  let isStopped = false
  const statuses = new Set<number>()
  const load = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!isStopped) statuses.add(await publishOne(newId()))
    }),
  )
  await until('events flow', () => journal.arrivals.length > 50)
  // A backend that dies takes the whole server through crash recovery: all sessions drop at once.
  const victim = await backendOf(postgres.url)
  process.kill(victim, 'SIGKILL')
  const brokenAt = Date.now()
  await until('a publish fails or the server comes back', () => statuses.has(503), 10_000)
  const acknowledgedBefore = history.acknowledged.size
  await until('publishes succeed again', () => history.acknowledged.size > acknowledgedBefore + 20, 10_000)
  assert.ok(Date.now() - brokenAt < 10_000)
  isStopped = true
  await load
  statuses.delete(201)
  assert.deepEqual(statuses, new Set([503]))
  for (const id of Array.from(history.unknown.keys())) {
    assert.ok((await publishOne(id)) < 300)
    history.unknown.delete(id)
  }
  await until(
    'everything arrived',
    () => {
      const seen = new Set(journal.arrivals.map((arrival) => arrival.id))
      return [...history.acknowledged.keys()].every((id) => seen.has(id))
    },
    45_000,
  )
  const verdict = await judge(history, journal, '/hook', textOf(created, 'secret'))
  assert.deepEqual([verdict.lost, verdict.unexpected], [[], []])
})

async function backendOf(url: string): Promise<number> {
  const { Client } = await import('pg')
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  const pid = rows[0]?.pid
  assert.ok(pid)
  return pid
}
