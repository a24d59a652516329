import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { TestContext } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { Secret } from '../../src/vault/secret.ts'
import { insertSecret, placeOfSecret } from '../../src/webhooks/subscription-store.ts'
import { call, rowsOf, textOf } from '../support/api.ts'
import type { DaybookProcess } from '../support/daybook-process.ts'
import { startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import type { TestDatabase } from '../support/database.ts'
import type { History, Journal } from '../support/history.ts'
import { judge, startJournal } from '../support/history.ts'
import { testVault } from '../support/master-key.ts'
import { until } from '../support/until.ts'

/**
 * Kills the process at a named place, starts it again, and judges the whole history. "Holds" always means: nothing
 * acknowledged is lost, nothing unpublished arrives, every call is signed and has the published bytes, positions are dense,
 * attempts are numbered without gaps, and everything goes on by itself.
 */
interface Run {
  readonly t: TestContext
  readonly database: TestDatabase
  readonly journal: Journal
  readonly history: History
  secret: string
  server: DaybookProcess
}

/** Short leases make short tests; still long enough for a busy machine to answer in. */
const SHORT_TIMEOUT_MS = 3_000

async function begin(t: TestContext, env: Readonly<Record<string, string>>, concurrency = 8): Promise<Run> {
  const database = await testDatabase(t)
  const journal = await startJournal(t)
  const server = await startDaybook(t, { DATABASE_URL: database.url, ...env })
  const subscription = {
    webhook_url: `${journal.url}/hook`,
    event_names: ['*'],
    timeout_ms: SHORT_TIMEOUT_MS,
    concurrency,
  }
  const created = await call(server.url, 'POST', '/events/subscriptions', subscription)
  assert.equal(created.status, 201, JSON.stringify(created.body))
  const history = { acknowledged: new Map<string, string>(), unknown: new Map<string, string>() }
  return { t, database, journal, history, server, secret: textOf(created, 'secret') }
}

/** Publishes `count` events, `atOnce` at a time, until done or until the server is gone. */
async function publish(run: Run, count: number, atOnce = 8): Promise<void> {
  let left = count
  const publisher = async (): Promise<void> => {
    while (left-- > 0) {
      const id = newId()
      await publishOne(run, id, `{"n": ${left}, "spelled":1.50}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, publisher))
}

/** However many events a round of the router takes. */
async function publishUntilGone(run: Run, atOnce: number): Promise<void> {
  let isGone = false
  void run.server.ended.then(() => (isGone = true))
  while (!isGone) await publish(run, 10, atOnce)
}

async function publishOne(run: Run, id: string, payload: string): Promise<void> {
  const body = `{"event_name":"fault.tried","id":"${id}","payload":${payload}}`
  try {
    const answer = await call(run.server.url, 'POST', '/events', body)
    if (answer.status === 200 || answer.status === 201) {
      run.history.acknowledged.set(id, payload)
      run.history.unknown.delete(id)
      return
    }
  } catch {
    // No answer: it may or may not have been recorded.
  }
  run.history.unknown.set(id, payload)
}

/** Starts again on the same database and repeats what was left without an answer. */
async function goOn(run: Run, env: Readonly<Record<string, string>> = {}): Promise<void> {
  run.server = await startDaybook(run.t, { DATABASE_URL: run.database.url, ...env })
  for (const [id, payload] of Array.from(run.history.unknown)) await publishOne(run, id, payload)
  assert.equal(run.history.unknown.size, 0)
}

async function settled(run: Run): Promise<void> {
  const count = async (text: string): Promise<number> => {
    const { rows } = await run.database.pools.engine.query<{ n: number }>({ name: '', text, values: [] })
    return rows[0]?.n ?? -1
  }
  await until(
    'nothing to be routed or delivered',
    async () => {
      const left = await count(
        `select (select count(*) from event_outbox) + (select count(*) from webhook_deliveries)
              + (select count(*) from fan_outs) as n`,
      )
      return left === 0
    },
    60_000,
  )
}

/** @param inFlightMax calls that may have been under way at the kill: as many attempts may be lost, each with one copy */
async function assertHolds(run: Run, inFlightMax: number): Promise<void> {
  const verdict = await judge(run.history, run.journal, '/hook', run.secret)
  assert.deepEqual({ lost: verdict.lost, unexpected: verdict.unexpected }, { lost: [], unexpected: [] })
  const { engine } = run.database.pools
  const { rows: unanswered } = await engine.query<{ outcome: string }>({
    name: '',
    text: `select outcome from webhook_logs where outcome = 'unknown' or response_status is null`,
    values: [],
  })
  assert.ok(
    verdict.duplicated <= unanswered.length,
    `${verdict.duplicated} copies of ${unanswered.length} lost answers`,
  )
  const lost = unanswered.filter(({ outcome }) => outcome === 'unknown').length
  assert.ok(lost <= inFlightMax, `${lost} attempts were lost, at most ${inFlightMax} were under way`)
  const { rows: gaps } = await engine.query({
    name: '',
    text: `select company_id from event_audit_trail group by company_id
            having count(*) <> max(position) or min(position) <> 1`,
    values: [],
  })
  assert.deepEqual(gaps, [], 'positions are dense')
  const { rows: misnumbered } = await engine.query({
    name: '',
    text: `select delivery_id from webhook_logs where attempt_no > 0 group by delivery_id
            having count(*) <> max(attempt_no) or count(distinct attempt_no) <> max(attempt_no)`,
    values: [],
  })
  assert.deepEqual(misnumbered, [], 'attempts are numbered without gaps')
}

const events = async (run: Run): Promise<number> => {
  return rowsOf(await call(run.server.url, 'GET', '/events?event_names=fault.tried&limit=200')).length
}

suite('a kill', { concurrency: 4 }, () => {
  test('[accepted-is-committed] before the commit of a publish leaves nothing half and no answer (F1)', async (t) => {
    const run = await begin(t, { DAYBOOK_FAILPOINTS: 'publish.before_commit=kill@20' })
    await publish(run, 100)
    assert.equal(await run.server.ended, 'SIGKILL')
    assert.ok(run.history.unknown.size > 0 && run.history.acknowledged.size > 0)
    await goOn(run)
    await settled(run)
    assert.equal(await events(run), run.history.acknowledged.size)
    await assertHolds(run, 8)
  })

  test('[publish-idempotent] after the commit and before the answer: a repeat gets the first answer (F2)', async (t) => {
    const run = await begin(t, { DAYBOOK_FAILPOINTS: 'publish.after_commit=kill@20' })
    await publish(run, 100)
    assert.equal(await run.server.ended, 'SIGKILL')
    const before = run.history.acknowledged.size
    await goOn(run)
    await settled(run)
    assert.ok(run.history.acknowledged.size > before)
    assert.equal(await events(run), run.history.acknowledged.size)
    await assertHolds(run, 8)
  })

  test('after a claim and before the call: sent again without a copy (F3)', async (t) => {
    const run = await begin(t, { DAYBOOK_FAILPOINTS: 'delivery.after_claim=kill@3' }, 2)
    await publishUntilGone(run, 8)
    assert.equal(await run.server.ended, 'SIGKILL')
    const killedAt = Date.now()
    await goOn(run)
    await settled(run)
    assert.ok(Date.now() - killedAt < 45_000)
    await assertHolds(run, 2)
  })

  test('while it claims: nothing was leased, and all of it is sent, once (F3)', async (t) => {
    const run = await begin(t, { DAYBOOK_FAILPOINTS: 'claim.before_commit=kill@3' }, 2)
    await publishUntilGone(run, 8)
    assert.equal(await run.server.ended, 'SIGKILL')
    await goOn(run)
    await settled(run)
    await assertHolds(run, 2)
  })

  test('[at-least-once] after the request was sent: at most one copy of what was in flight (F4)', async (t) => {
    const run = await begin(t, { DAYBOOK_FAILPOINTS: 'delivery.after_send=kill@30' })
    await publish(run, 100)
    assert.equal(await run.server.ended, 'SIGKILL')
    await goOn(run)
    await settled(run)
    await assertHolds(run, 8)
    const lost = await run.database.pools.engine.query({
      name: '',
      text: `select 1 from webhook_logs where outcome = 'unknown' and reason = 'lease_expired'`,
      values: [],
    })
    assert.ok(lost.rows.length > 0, 'the lost attempts are shown as unknown')
  })

  test('[goes-on-by-itself] after the answer and before recording it (F5)', async (t) => {
    const run = await begin(t, { DAYBOOK_FAILPOINTS: 'delivery.after_response=kill@30' })
    await publish(run, 100)
    assert.equal(await run.server.ended, 'SIGKILL')
    const killedAt = Date.now()
    await goOn(run)
    await settled(run)
    assert.ok(Date.now() - killedAt < 45_000)
    await assertHolds(run, 8)
  })

  test('between the ledger row and the count of failures: both or neither (F6)', async (t) => {
    const failing = { DAYBOOK_RETRY_SCHEDULE: '0' }
    const run = await begin(t, { DAYBOOK_FAILPOINTS: 'delivery.mid_record=kill@2', ...failing })
    run.journal.answer('/hook', 500)
    await publish(run, 5, 1)
    assert.equal(await run.server.ended, 'SIGKILL')
    await goOn(run, failing)
    await settled(run)
    const { rows } = await run.database.pools.engine.query<{ failed: number; counted: number }>({
      name: '',
      text: `select (select count(*) from webhook_logs where outcome = 'failed') as failed,
                    (select failures_in_row from subscription_health) as counted`,
      values: [],
    })
    assert.equal(rows[0]?.failed, run.history.acknowledged.size)
    assert.equal(rows[0]?.counted, rows[0]?.failed)
  })

  test('[positions-dense] before the router commits, again and again', async (t) => {
    const run = await begin(t, { DAYBOOK_FAILPOINTS: 'route.before_commit=kill@6' })
    await publishUntilGone(run, 2)
    assert.equal(await run.server.ended, 'SIGKILL')
    await goOn(run, { DAYBOOK_FAILPOINTS: 'route.before_commit=kill' }).catch(() => undefined)
    await run.server.ended
    await goOn(run)
    await settled(run)
    await assertHolds(run, 24)
  })

  for (const place of ['route.after_commit', 'delivery.after_record'] as const) {
    test(`at ${place}: what was leased and never called goes out, what was recorded does not again`, async (t) => {
      const run = await begin(t, { DAYBOOK_FAILPOINTS: `${place}=kill@5` })
      await publishUntilGone(run, 8)
      assert.equal(await run.server.ended, 'SIGKILL')
      await goOn(run)
      await settled(run)
      await assertHolds(run, 8)
    })
  }

  test('in the middle of a fan-out to 9,000 subscriptions: each gets one delivery (F7)', async (t) => {
    const run = await begin(t, { DAYBOOK_FAILPOINTS: 'fan_out.slice=kill@2', DAYBOOK_ROLES: 'api,router' })
    await manySubscriptions(run, 9_000)
    await publishOne(run, newId(), '{}')
    assert.equal(await run.server.ended, 'SIGKILL')
    await goOn(run, { DAYBOOK_ROLES: 'api,router' })
    const { engine } = run.database.pools
    await until('the fan-out is complete', async () => {
      const text = `select (select count(*) from fan_outs) + (select count(*) from event_outbox) as n`
      return (await engine.query<{ n: number }>({ name: '', text, values: [] })).rows[0]?.n === 0
    })
    const { rows } = await engine.query<{ n: number; d: number }>({
      name: '',
      text: `select count(*) as n, count(distinct subscription_id) as d from webhook_deliveries`,
      values: [],
    })
    assert.deepEqual({ ...rows[0] }, { n: 9_001, d: 9_001 })
  })

  test('of a paused process: its late result is refused, the new owner decides (F20)', async (t) => {
    const run = await begin(t, {})
    run.journal.answer('/hook', 204, 700)
    const id = newId()
    await publishOne(run, id, '{}')
    await until('the call is under way', () => run.journal.open > 0)
    run.server.kill('SIGSTOP')
    const paused = run.server
    const { engine } = run.database.pools
    const expire = `update webhook_deliveries set due_at = now() where company_id = company_id`
    await engine.query({ name: '', text: expire, values: [] })
    await goOn(run)
    await settled(run)
    paused.kill('SIGCONT')
    await until('the late result is refused', () => paused.log().includes('after their lease had ended'))
    await assertHolds(run, 1)
    const { rows } = await engine.query<{ outcome: string }>({
      name: '',
      text: `select outcome from webhook_logs order by id`,
      values: [],
    })
    assert.deepEqual(
      rows.map(({ outcome }) => outcome),
      ['unknown', 'delivered'],
    )
  })

  test('never asked for: a storm of one id makes one event and equal answers (F21)', async (t) => {
    const run = await begin(t, {})
    const body = { event_name: 'fault.tried', payload: { a: 1 }, idempotency_key: 'one' }
    const answers = await Promise.all(
      Array.from({ length: 64 }, async () => await call(run.server.url, 'POST', '/events', body)),
    )
    assert.deepEqual(new Set(answers.map((answer) => answer.body['id'])).size, 1)
    assert.equal(answers.filter((answer) => answer.status === 201).length, 1)
    assert.equal(answers.filter((answer) => answer.status === 200).length, 63)
    const other = await call(run.server.url, 'POST', '/events', { ...body, payload: { a: 2 } })
    assert.deepEqual([other.status, other.body['code']], [409, 'idempotency_conflict'])
    await until('it is routed', async () => (await events(run)) === 1)
  })
})

/** Subscriptions straight into the tables, as the API would have made them one by one. */
async function manySubscriptions(run: Run, count: number): Promise<void> {
  const { owner } = run.database.pools
  const sql = async (text: string): Promise<void> => void (await owner.query({ name: '', text, values: [] }))
  const ids = `('018f0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid`
  await sql(`insert into event_subscriptions
      (company_id, id, version, webhook_url, event_names, status, concurrency, timeout_ms)
    select h.company_id, ${ids}, h.subscription_version + 1, '${run.journal.url}/many', '{*}', 'active', 1, 1000
      from company_heads h, generate_series(1, ${count}) n`)
  await sql(`insert into event_subscription_versions
      (company_id, version, subscription_id, webhook_url, event_names, status, concurrency, timeout_ms)
    select company_id, version, id, webhook_url, event_names, status, concurrency, timeout_ms
      from event_subscriptions where webhook_url like '%/many'`)
  await sql(`insert into subscription_health (company_id, subscription_id)
    select company_id, id from event_subscriptions where webhook_url like '%/many'`)
  const made = await owner.query<{ company_id: string; id: string }>({
    name: '',
    text: `select company_id, id from event_subscriptions where webhook_url like '%/many'`,
    values: [],
  })
  const company_id = made.rows[0]?.company_id ?? ''
  const seal = await testVault(run.database.pools).sealer(owner, company_id)
  for (const { id } of made.rows) {
    const sealed = seal(placeOfSecret(id, id), new Secret(run.secret))
    await insertSecret(owner, company_id, id, id, sealed)
  }
  await sql(`update company_heads set subscription_version = subscription_version + 1`)
}
