import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { call } from '../support/api.ts'
import { startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import { addRowsDaysAgo } from '../support/retention-run.ts'
import { sql, sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'

/** Whoever ends payloads is killed, in the middle of each thing it does. */
const kills = [
  'retention.before_detach=kill',
  'retention.before_drop=kill',
  'retention.before_commit=kill',
  'retention.before_commit=kill@3',
]

const ENDING = 9_000
const KEPT = 500

suite('kills', { concurrency: 1 }, () => {
  test('of whoever ends payloads, over and over: what is over ends, what is not stays, and no table is left (F8)', async (t) => {
    const { url: databaseUrl, pools } = await testDatabase(t)
    const { owner } = pools
    const env = { DATABASE_URL: databaseUrl }
    const api = await startDaybook(t, { ...env, DAYBOOK_ROLES: 'api,router' })
    const companyId = await sqlValue<string>(owner, 'select id from companies')
    await addRowsDaysAgo(owner, companyId, { days: 200, eventName: 'a.old', count: 100, from: 100_000 })
    await addRowsDaysAgo(owner, companyId, { days: 50, eventName: 'a.b', count: ENDING, from: 200_000 })
    await addRowsDaysAgo(owner, companyId, { days: 35, eventName: 'a.b', count: KEPT, from: 300_000 })
    const months = `select count(*) from pg_class where relname ~ '^event_logs_[0-9]{4}_[0-9]{2}$'`
    const monthsBefore = await sqlValue<number>(owner, months)
    const decision = { payload_retention_days: 40, ledger_retention_days: 40, rules: [] }
    assert.equal((await call(api.url, 'PUT', '/retention', decision)).status, 200)
    for (const kill of kills) {
      const killed = { ...env, DAYBOOK_ROLES: 'api,maintenance', DAYBOOK_FAILPOINTS: kill }
      const victim = await startDaybook(t, killed).catch(() => undefined) // killed before it was ready, perhaps
      assert.equal(await (victim?.ended ?? 'SIGKILL'), 'SIGKILL', kill)
      const orphans = `select count(*) from retention_progress where position > 300000`
      assert.equal(await sqlValue(owner, orphans), 0, 'progress never passes what is not over')
    }
    await startDaybook(t, { ...env, DAYBOOK_ROLES: 'api,maintenance' })
    const left = (table: string): string => `select count(*) from ${table} where event_name in ('a.b', 'a.old')`
    await until('what is over has ended', async () => (await sqlValue(owner, left('webhook_logs'))) === KEPT, 30_000)
    await until('the payloads too', async () => (await sqlValue(owner, left('event_logs'))) === KEPT, 30_000)
    assert.equal(await sqlValue(owner, left('event_audit_trail')), 100 + ENDING + KEPT)
    assert.ok((await sqlValue<number>(owner, months)) < monthsBefore)
    assert.deepEqual(await sql(owner, `select relname from pg_class where relname ~ '^ended_'  and relkind = 'r'`), [])
  })
})
