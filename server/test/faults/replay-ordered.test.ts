import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { FailpointName } from '../../src/lib/failpoint.ts'
import { newId } from '../../src/lib/ids.ts'
import { call, textOf } from '../support/api.ts'
import { startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import type { Call } from '../support/scripted-receiver.ts'
import { sql, sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'

const PAST = 20
const env = { DAYBOOK_RETRY_SCHEDULE: '0,0,0,0,0,0' }

/** Slices hold, add, hand over to the recovery, and let go; each of these commits is killed, before it or after it. */
const cases: readonly (readonly [place: FailpointName, ending: 'through' | 'cancelled'])[] = [
  ['job.before_commit', 'through'],
  ['job.after_commit', 'cancelled'],
]

const positionOf = ({ body }: Call): number => JSON.parse(body.toString()).position
const isAgain = ({ headers }: Call): boolean => headers['webhook-replay-id'] !== undefined

suite('a kill', { concurrency: 2 }, () => {
  for (const [place, ending] of cases) {
    test(`[goes-on-by-itself] [order-per-entity] at ${place}, at every slice of a replay to an ordered subscription that is ${ending}: past events, then held ones, then new ones, while publishing goes on`, async (t) => {
      const { url: databaseUrl, pools } = await testDatabase(t)
      const receiver = await scriptedReceiver(t)
      const server = await startDaybook(t, {
        ...env,
        DATABASE_URL: databaseUrl,
        DAYBOOK_ROLES: 'api,router,dispatcher',
      })
      const wish = { webhook_url: receiver.url, event_names: ['fault.tried'], ordering: 'subscription' }
      const id = textOf(await call(server.url, 'POST', '/events/subscriptions', wish), 'id')
      const published: string[] = []
      const publish = async (): Promise<void> => {
        const event = { event_name: 'fault.tried', payload: {}, id: newId(), entity_type: 'thing', entity_id: '1' }
        const { status } = await call(server.url, 'POST', '/events', event)
        assert.equal(status, 201)
        published.push(event.id)
      }
      for (let number = 0; number < PAST; number++) await publish()
      await until('the past is past', () => receiver.calls.length === PAST, 30_000)
      const order = { source: { event_names: ['fault.tried'] }, target: { subscription_ids: [id] }, rate: 20 }
      const started = await call(server.url, 'POST', '/events/replays', order)
      assert.equal(started.status, 202, JSON.stringify(started.body))
      const replayId = textOf(started, 'id')
      const open = `select count(*) from jobs where state in ('queued', 'running')`
      let kills = 0
      for (; kills < 30 && (await sqlValue<number>(pools.owner, open)) > 0; kills++) {
        if (ending === 'cancelled' && kills === 2) {
          const { status } = await call(server.url, 'POST', `/events/replays/${replayId}/cancel`, {})
          assert.equal(status, 200)
        }
        const armed = { ...env, DATABASE_URL: databaseUrl, DAYBOOK_ROLES: 'api,maintenance' }
        // Before a commit each slice needs a second try, or nothing would ever be done.
        const at = place === 'job.before_commit' ? 2 : 1
        const victim = await startDaybook(t, { ...armed, DAYBOOK_FAILPOINTS: `${place}=kill@${at}` }).catch(
          () => undefined,
        )
        await publish()
        let isGone = victim === undefined
        void victim?.ended.then(() => (isGone = true))
        await until(
          'it is killed, or nothing is left to do',
          async () => isGone || (await sqlValue<number>(pools.owner, open)) === 0,
          20_000,
        )
        await victim?.stop()
        // Whoever led is gone; nobody has to wait until its time is over.
        await sql(pools.owner, `delete from leases where name = 'jobs'`)
      }
      assert.ok(kills >= 3, `${kills} kills`)
      assert.equal(await sqlValue<number>(pools.owner, open), 0)
      for (let number = 0; number < 5; number++) await publish()
      const pending = 'select (select count(*) from webhook_deliveries) + (select count(*) from event_outbox)'
      await until('all is delivered', async () => (await sqlValue(pools.owner, pending)) === 0, 30_000)

      const jobs = await sql(pools.owner, 'select kind, state from jobs order by created_at, id')
      assert.deepEqual(jobs, [
        { kind: 'replay_events', state: ending === 'through' ? 'succeeded' : 'cancelled' },
        { kind: 'recover_events', state: 'succeeded' },
      ])
      const { body } = await call(server.url, 'GET', `/events/subscriptions/${id}`)
      assert.deepEqual([body['status'], body['held_by'], body['held_from_position']], ['active', null, null])
      const first = receiver.calls.findIndex(isAgain)
      const again = receiver.calls.filter(isAgain)
      assert.ok(receiver.calls.slice(first, first + again.length).every(isAgain), 'nothing comes between')
      const chosen = published.slice(0, ending === 'through' ? PAST : again.length)
      assert.deepEqual(
        again.map((one) => one.id),
        chosen,
      )
      const live = receiver.calls.filter((one) => !isAgain(one))
      assert.deepEqual(
        live.map((one) => one.id),
        published,
      )
      const positions = live.map(positionOf)
      assert.deepEqual(
        positions,
        positions.toSorted((a, b) => a - b),
      )
    })
  }
})
