import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import { sql } from '../support/sql.ts'
import { assertHolds, beginRun, publish, repeatUnknown, settled, subscribe } from './fault-run.ts'

interface Partition {
  readonly name: string
  readonly attached: boolean
  readonly guarded: boolean
}

const partitions = `
  select c.relname as name, c.relispartition as attached, c.relrowsecurity and c.relforcerowsecurity as guarded
    from pg_class c
   where c.relkind = 'r' and c.relname ~ '^(event|webhook)_logs_\\d{4}_\\d\\d$'
   order by 1`

suite('a kill', { concurrency: 2 }, () => {
  test('while partitions are made leaves none half: the next start makes the rest (F8)', async (t) => {
    const { url, pools } = await testDatabase(t)
    const complete = await sql<Partition>(pools.owner, partitions)
    assert.equal(complete.length, 8)
    for (const { name } of complete) await sql(pools.owner, `drop table ${name}`)
    const halves = new Set<number>()
    // Ever later, from before the first partition to after the last, however fast the machine is.
    for (let isReady = false, waitMs = 300; !isReady; waitMs += 50) {
      const killing = `(sleep ${waitMs / 1_000}; kill -9 $$) & exec "$0" "$@"`
      const server = await startDaybook(t, { DATABASE_URL: url }, [], killing).catch(() => undefined)
      assert.equal(await (server?.ended ?? 'SIGKILL'), 'SIGKILL')
      isReady = server !== undefined
      const made = await sql<Partition>(pools.owner, partitions)
      assert.deepEqual(
        made.filter(({ attached, guarded }) => !attached || !guarded),
        [],
      )
      halves.add(made.length)
    }
    assert.ok(halves.has(0), 'one was killed before the first')
    await startDaybook(t, { DATABASE_URL: url })
    assert.deepEqual(await sql<Partition>(pools.owner, partitions), complete)
  })

  test('of whoever took over an expired lease, twice: each lost attempt is told, numbers have no gap (F8)', async (t) => {
    const run = await beginRun(t)
    const env = { DATABASE_URL: run.databaseUrl }
    const armed = { ...env, DAYBOOK_FAILPOINTS: 'delivery.after_claim=kill@1' }
    const router = await startDaybook(t, { ...env, DAYBOOK_ROLES: 'api,router' })
    await subscribe(run, router.url, '/c1/s1', { concurrency: 2 })
    await publish(run, router.url, 6)
    for (let times = 0; times < 3; times++) {
      const victim = await startDaybook(t, { ...armed, DAYBOOK_ROLES: 'api,dispatcher' }).catch(() => undefined)
      await victim?.ended
      await sql(run.owner, 'update webhook_deliveries set due_at = now() where company_id = company_id')
    }
    await startDaybook(t, { ...env, DAYBOOK_ROLES: 'api,dispatcher' })
    await settled(run)
    await repeatUnknown(run, router.url)
    const verdict = await assertHolds(run, router.url)
    assert.equal(verdict.duplicated, 0)
    const lost = await sql<{ n: number }>(run.owner, `select count(*) as n from webhook_logs where outcome = 'unknown'`)
    assert.ok((lost[0]?.n ?? 0) >= 3, 'every kill lost an attempt')
  })
})
