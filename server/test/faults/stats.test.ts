import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { seededRandom } from '../../src/cli/demo/random.ts'
import { newId } from '../../src/lib/ids.ts'
import { call } from '../support/api.ts'
import { testDatabase } from '../support/database.ts'
import { runDaybook, startDaybook } from '../support/daybook-process.ts'
import { MASTER_KEY } from '../support/master-key.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { sql, sqlValue } from '../support/sql.ts'
import { recountedStats, storedStats } from '../support/stats-run.ts'
import { until } from '../support/until.ts'

const SEED = 20_261_123

/** Whoever counts or delivers is killed, in the middle of each thing that the statistics depend on. */
const kills = [
  'stats.before_commit=kill@2',
  'delivery.after_record=kill@2',
  'stats.after_commit=kill@2',
  'delivery.after_response=kill@20',
  'delivery.mid_record=kill@2',
]

suite('kills', { concurrency: 1 }, () => {
  test(`[statistics-exact] of whoever routes, delivers and counts, over and over: statistics equal a recount, seed ${SEED}`, async (t) => {
    const { url: databaseUrl, pools } = await testDatabase(t)
    const random = seededRandom(SEED)
    const receiver = await scriptedReceiver(t)
    receiver.answer(() => ({ status: random() < 0.7 ? 204 : random() < 0.5 ? 500 : 404 }))
    const env = { DATABASE_URL: databaseUrl, DAYBOOK_RETRY_SCHEDULE: '1,1' }
    const api = await startDaybook(t, { ...env, DAYBOOK_ROLES: 'api' })
    for (const path of ['/one', '/two', '/three']) {
      const body = { webhook_url: receiver.url + path, event_names: ['*'], timeout_ms: 1_000, concurrency: 16 }
      assert.equal((await call(api.url, 'POST', '/events/subscriptions', body)).status, 201)
    }
    const publish = async (): Promise<void> => {
      const events = Array.from({ length: 10 }, () => ({
        event_name: random() < 0.5 ? 'fault.tried' : 'fault.told',
        payload: {},
        id: newId(),
      }))
      assert.equal((await call(api.url, 'POST', '/events/batch', { events })).status, 201)
    }
    const engine = { ...env, DAYBOOK_ROLES: 'api,router,dispatcher,maintenance' }
    for (const kill of kills) {
      await publish()
      const victim = await startDaybook(t, { ...engine, DAYBOOK_FAILPOINTS: kill }).catch(() => undefined)
      if (!victim) continue // killed before it was ready
      let how: number | string | undefined
      void victim.ended.then((end) => (how = end))
      await until(`killed by ${kill}`, async () => {
        await publish()
        return how
      })
      assert.equal(how, 'SIGKILL')
    }
    await startDaybook(t, engine)
    const waiting = `select (select count(*) from event_outbox) + (select count(*) from webhook_deliveries d
       join event_subscriptions s using (company_id) where s.id = d.subscription_id and s.status = 'active')`
    await until('all is delivered or has failed', async () => (await sqlValue(pools.owner, waiting)) === 0, 60_000)
    const uncounted = `select (select count(*) from attempt_journal) + (select sum(last_position) from company_heads)
       - coalesce((select sum(position) from stats_heads), 0)`
    await until('all is counted', async () => Number(await sqlValue(pools.owner, uncounted)) === 0)
    const stored = await storedStats(pools.owner)
    assert.deepEqual(stored, await recountedStats(pools.owner))
    assert.ok(stored.some((line) => line.includes('unknown lease_expired')))

    const names = await sql<{ id: string }>(pools.owner, 'select id from companies')
    await sql(pools.owner, 'delete from delivery_stats')
    const { exitCode, stdout, stderr } = await runDaybook(['stats', 'rebuild', '--json'], {
      DATABASE_URL: databaseUrl,
      DAYBOOK_MASTER_KEY: MASTER_KEY,
    })
    assert.equal(exitCode, 0, stderr)
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { company_id: string }).company_id),
      names.map(({ id }) => id),
    )
    assert.deepEqual(await storedStats(pools.owner), await recountedStats(pools.owner))
  })
})
