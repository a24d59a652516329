import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FailpointName } from '../../src/lib/failpoint.ts'
import { newId } from '../../src/lib/ids.ts'
import { call } from '../support/api.ts'
import type { DaybookProcess } from '../support/daybook-process.ts'
import { startDaybook } from '../support/daybook-process.ts'
import type { TestDatabase } from '../support/database.ts'
import { testDatabase } from '../support/database.ts'
import type { Call } from '../support/scripted-receiver.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { sql, sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'

const ENTITIES = 4
const AHEAD_MAX = 12

/** Each chain has one delivery that may be attempted, its first. */
const brokenChains = `
  select subscription_id, order_key
    from webhook_deliveries where order_key is not null
   group by subscription_id, order_key
  having count(*) filter (where due_at < 'infinity') <> 1
      or min(position) filter (where due_at < 'infinity') <> min(position)`

interface Body {
  readonly position: number
  readonly entity: { readonly id: string }
}

/** Judges the calls of each order as they come; every seventh is answered with 503. */
async function startJudge(t: TestContext) {
  const faults: string[] = []
  const open = new Set<string>()
  const last = new Map<string, number>()
  let count = 0
  const receiver = await scriptedReceiver(t)
  receiver.answer(async ({ path, body }: Call) => {
    const { position, entity } = JSON.parse(body.toString()) as Body
    const order = path === '/entity' ? `${path}/${entity.id}` : path
    if (open.has(order)) faults.push(`${position} overlaps in ${order}`)
    if (position < (last.get(order) ?? 0)) faults.push(`${position} after ${last.get(order)} in ${order}`)
    open.add(order)
    last.set(order, position)
    await nextTurn()
    open.delete(order)
    return { status: ++count % 7 === 0 ? 503 : 204 }
  })
  return { url: receiver.url, calls: receiver.calls, faults }
}

/** No faster than calls are made, so that little is left when the process is gone. */
async function publishUntilGone(server: DaybookProcess, calls: readonly Call[]): Promise<void> {
  let isGone = false
  void server.ended.then(() => (isGone = true))
  const before = calls.length
  for (let number = 0; !isGone; number++) {
    await until('calls keep up', () => isGone || calls.length - before >= number - AHEAD_MAX)
    const event = { event_name: 'fault.tried', id: newId(), entity_type: 'order', payload: { number } }
    const body = { ...event, entity_id: number % ENTITIES }
    await call(server.url, 'POST', '/events', JSON.stringify(body)).catch(() => undefined)
  }
}

async function isSettled({ pools: { owner } }: TestDatabase): Promise<boolean> {
  const left = 'select (select count(*) from event_outbox) + (select count(*) from webhook_deliveries)'
  return (await sqlValue<number>(owner, left)) === 0
}

const parts: readonly (readonly FailpointName[])[] = [
  ['route.before_commit', 'route.after_commit'],
  ['claim.before_commit', 'delivery.after_claim', 'delivery.after_response'],
  ['delivery.mid_record', 'delivery.after_record'],
]

suite('ordered deliveries, a kill', { concurrency: 2 }, () => {
  for (const places of parts) {
    test(`[order-per-entity] at ${places.join(', ')}: calls come in order still, and all arrive`, async (t) => {
      const database = await testDatabase(t)
      const { owner } = database.pools
      const judge = await startJudge(t)
      const env = { DATABASE_URL: database.url, DAYBOOK_RETRY_SCHEDULE: '0,0,0,0,0,0' }
      const first = await startDaybook(t, env)
      for (const ordering of ['entity', 'subscription']) {
        const subscription = { webhook_url: `${judge.url}/${ordering}`, event_names: ['fault.tried'], ordering }
        const made = await call(first.url, 'POST', '/events/subscriptions', subscription)
        assert.equal(made.status, 201, JSON.stringify(made.body))
      }
      await first.stop()
      for (const place of places) {
        const armed = { ...env, DAYBOOK_FAILPOINTS: `${place}=kill@9` }
        // What the one before left may be enough to end it before it is ready.
        const victim = await startDaybook(t, armed).catch(() => undefined)
        if (victim) await publishUntilGone(victim, judge.calls)
        assert.equal(await (victim?.ended ?? 'SIGKILL'), 'SIGKILL', place)
        assert.deepEqual(await sql(owner, brokenChains), [], place)
        // Whoever held them is gone; nobody has to wait until their time is over.
        await sql(owner, 'update webhook_deliveries set due_at = now() where lease_token is not null')
      }
      await startDaybook(t, env)
      await until('all has ended', async () => await isSettled(database), 45_000)
      assert.deepEqual(judge.faults, [])
      const owed = await sqlValue<number>(owner, `select 2 * count(*) from event_logs where event_name = 'fault.tried'`)
      const arrived = new Set(judge.calls.map(({ path, id }) => path + id))
      assert.ok(owed > 0)
      assert.equal(arrived.size, owed)
      const ended = `select outcome, count(*) as n from webhook_logs where outcome in ('delivered', 'failed') group by outcome`
      assert.deepEqual(await sql(owner, ended), [{ outcome: 'delivered', n: owed }])
    })
  }
})
