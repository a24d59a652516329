import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { call, textOf } from '../support/api.ts'
import { startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import { endAll } from '../support/job-run.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import type { Call } from '../support/scripted-receiver.ts'
import { sql, sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'

const EVENTS = 2_000
const ENTITIES = 50
/** Ten slices. */
const RATE = 400

/** Whoever works on the replay: killed in the middle of a slice, or between two. */
const kills = ['job.before_commit=kill@3', 'job.after_commit=kill@3', 'job.before_commit=kill@2']

interface Body {
  readonly type: string
  readonly position: number
  readonly entity: { readonly id: string }
}

const bodyOf = ({ body }: Call): Body => JSON.parse(body.toString())

suite('a kill', { concurrency: 1 }, () => {
  test('[goes-on-by-itself] of whoever works on a replay, three times: the chosen events are sent again once, in the order of their entities, beside fresh ones', async (t) => {
    const { url: databaseUrl, pools } = await testDatabase(t)
    const receiver = await scriptedReceiver(t)
    const env = { DATABASE_URL: databaseUrl }
    const router = await startDaybook(t, { ...env, DAYBOOK_ROLES: 'api,router' })
    const subscription = { webhook_url: receiver.url, event_names: ['*'], filter: { n: { $gte: 0 } } }
    const id = textOf(await call(router.url, 'POST', '/events/subscriptions', subscription), 'id')
    const publish = async (count: number, payload: object, name = 'fault.tried'): Promise<readonly string[]> => {
      const events = Array.from({ length: count }, (_, index) => ({
        event_name: name,
        payload,
        id: newId(),
        entity_type: 'thing',
        entity_id: String(index % ENTITIES),
      }))
      const { status } = await call(router.url, 'POST', '/events/batch', { events })
      assert.equal(status, 201)
      return events.map((event) => event.id)
    }
    const chosen = [...(await publish(1_000, { n: 1 }))]
    await publish(500, { n: -1 })
    await publish(100, { n: 1 }, 'fault.other')
    chosen.push(...(await publish(1_000, { n: 1 })))
    const pending = 'select count(*) from webhook_deliveries'
    const known = 'select count(*) from event_audit_trail'
    await until('all is routed', async () => (await sqlValue<number>(pools.owner, known)) >= EVENTS + 600)
    await endAll(pools, 'delivered', 'http_200', await sqlValue(pools.owner, 'select id from companies'))

    // From here on there is a dispatcher, which is not killed: every call is the replay's doing, or of a fresh event.
    await startDaybook(t, { ...env, DAYBOOK_ROLES: 'dispatcher,api' })
    const source = { event_names: ['fault.tried'] }
    const order = { source, target: { subscription_ids: [id] }, rate: RATE, expected_count: EVENTS }
    const started = await call(router.url, 'POST', '/events/replays', order)
    assert.equal(started.status, 202, JSON.stringify(started.body))
    const replayId = textOf(started, 'id')
    const path = `/events/replays/${replayId}`
    const reached: unknown[] = []
    for (const kill of kills) {
      const maintenance = { ...env, DAYBOOK_ROLES: 'api,maintenance', DAYBOOK_FAILPOINTS: kill }
      const victim = await startDaybook(t, maintenance).catch(() => undefined)
      if (victim) assert.equal(await victim.ended, 'SIGKILL')
      const { body } = await call(router.url, 'GET', path)
      assert.equal(body['state'], 'running')
      reached.push(body['done'])
    }
    assert.ok(Number(reached[0]) > 0 && Number(reached[2]) < EVENTS, `killed at ${reached.join(', ')}`)
    const fresh = await publish(20, { n: 1 })
    await startDaybook(t, { ...env, DAYBOOK_ROLES: 'api,maintenance' })
    const replay = await until(
      'the replay has ended',
      async () => {
        const { body } = await call(router.url, 'GET', path)
        return body['state'] !== 'running' && body
      },
      60_000,
    )
    await until('all is delivered', async () => (await sqlValue(pools.owner, pending)) === 0, 60_000)

    assert.deepEqual(
      [replay['state'], replay['total'], replay['done'], replay['skipped_reasons'], replay['last_error']],
      ['succeeded', EVENTS, EVENTS, { filter: 500 }, null],
    )
    const [again, first] = [true, false].map((isReplay) =>
      receiver.calls.filter(({ headers }) => (headers['webhook-replay-id'] === replayId) === isReplay),
    )
    assert.ok(again && first)
    assert.deepEqual(again.map((one) => one.id).toSorted(), chosen.toSorted())
    assert.deepEqual(first.map((one) => one.id).toSorted(), fresh.toSorted())
    for (const [entity, calls] of Map.groupBy(again, (one) => bodyOf(one).entity.id)) {
      const positions = calls.map((one) => bodyOf(one).position)
      assert.deepEqual(
        positions,
        positions.toSorted((a, b) => a - b),
        `entity ${entity}`,
      )
    }
    const events = `select event_name, count(*) as n from event_audit_trail where event_name like 'daybook.job.%' group by 1 order by 1`
    await until('its end is told of', async () => (await sql(pools.owner, events)).length === 2)
    assert.deepEqual(await sql(pools.owner, events), [
      { event_name: 'daybook.job.started', n: 1 },
      { event_name: 'daybook.job.succeeded', n: 1 },
    ])
  })
})
