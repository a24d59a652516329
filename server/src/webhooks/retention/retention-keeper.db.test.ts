import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import type { TestCompany } from '../../../test/support/company.ts'
import { author, testCompany } from '../../../test/support/company.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { jobOf, jobRun } from '../../../test/support/job-run.ts'
import {
  addAttemptDaysAgo,
  daysAgoMs,
  decideRetention,
  publishDaysAgo,
  retentionRun,
} from '../../../test/support/retention-run.ts'
import { sql, sqlValue } from '../../../test/support/sql.ts'
import { storedStats } from '../../../test/support/stats-run.ts'
import { until } from '../../../test/support/until.ts'
import { detachMonth, listMonths } from '../../db/drop-partitions.ts'
import type { DbPool, Pools } from '../../db/pools.ts'
import { partitionName } from '../../db/partitions.ts'
import type { Db } from '../../db/statement.ts'
import { inTransaction } from '../../db/transaction.ts'
import { listEvents } from '../../events/list-events.ts'
import type { Retention } from '../../events/retention/retention-rules.ts'
import { keepAll } from '../../events/retention/retention-rules.ts'
import type { Clock } from '../../lib/clock.ts'
import { systemClock } from '../../lib/clock.ts'
import { armFailpoints } from '../../lib/failpoint.ts'
import { ProblemError } from '../../lib/problems.ts'
import { recoverSubscription } from '../enable-subscription.ts'
import { byDelivery } from '../events-by-delivery.ts'
import { pauseJob, startJob } from '../jobs/start-job.ts'
import { retryDeliveries } from '../jobs/retry-deliveries.ts'
import { retryDelivery } from '../retry-delivery.ts'
import { rebuildStats } from '../stats/rebuild-stats.ts'
import { tryMonth } from './drop-months.ts'
import { countWithin } from './end-payloads.ts'
import { previewRetention } from './preview-retention.ts'
import { readRetentionState } from './retention-state.ts'

/** Names of events whose payload is stored, by position. */
async function stored(company: TestCompany): Promise<readonly string[]> {
  const { events } = await company.asCompany(
    async (db) => await listEvents(db, company.id, { event_names: ['*'] }, { order: 'asc', limit: 200 }),
  )
  return events.filter(({ payload_expired }) => !payload_expired).map(({ event_name }) => event_name)
}

const countOf = async (pools: Pools, table: string): Promise<number> =>
  await sqlValue(pools.owner, `select count(*) from ${table}`)

const monthOf = (table: string, days: number): string => partitionName(table, new Date(daysAgoMs(days)))

/** The system's clock, of which time passes by hand too. */
function clockThatPasses(): Clock & { turn(ms: number): void } {
  let passedMs = 0
  return {
    ...systemClock,
    elapsed: () => systemClock.elapsed() + passedMs,
    turn: (ms) => void (passedMs += ms),
  }
}

describe('payloads', () => {
  test('by default everything is kept for ever', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await publishDaysAgo(pools, company, 4_000, { eventName: 'a.old' })
    await addAttemptDaysAgo(pools, company, 4_000)
    await retentionRun(pools).work()
    assert.deepEqual(await stored(company), ['a.old'])
    assert.equal(await countOf(pools, 'webhook_logs'), 1)
  })

  test('end after the days of the company, or of the rule that says most about their name; the trail tells of them', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    for (const eventName of ['a.b.kept', 'a.b.short', 'a.other', 'c.other']) {
      await publishDaysAgo(pools, company, 50, { eventName, entity: { type: 'thing', id: '7' } })
    }
    await publishDaysAgo(pools, company, 40, { eventName: 'c.other' })
    await decideRetention(company, {
      payload_retention_days: 45,
      rules: [
        { event_name: 'a.*', payload_retention_days: 60 },
        { event_name: 'a.b.*', payload_retention_days: 35 },
        { event_name: 'a.b.kept', payload_retention_days: null },
      ],
    })
    const run = retentionRun(pools, { batchRows: 1 })
    await run.work()
    assert.deepEqual(await stored(company), ['a.b.kept', 'a.other', 'c.other'])
    const { events } = await company.asCompany(
      async (db) => await listEvents(db, company.id, { event_names: ['a.b.short'] }, {}),
    )
    assert.partialDeepStrictEqual(events, [
      { position: 3, state: 'routed', entity_type: 'thing', entity_id: '7', payload_expired: true, payload_text: null },
    ])
    assert.equal((await countOf(pools, 'event_entities')) >= 4, true)
    await run.work()
    const batches = run.ended.filter(({ what }) => what === 'payloads')
    assert.equal(batches.length, 2, 'what has ended is not ended again')
  })

  test('that are still owed to somebody wait, keep nobody else waiting, and end when the delivery has ended', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const subscriptionId = await company.subscribe('a.owed')
    await publishDaysAgo(pools, company, 50, { eventName: 'a.owed' }, { eventName: 'a.free' })
    await decideRetention(company, { payload_retention_days: 31 })
    const run = retentionRun(pools)
    await run.work()
    assert.deepEqual(await stored(company), ['a.owed'])
    assert.equal(await countOf(pools, 'retention_waiting'), 1)
    const [delivery] = await company.claim(subscriptionId)
    assert.ok(delivery)
    await company.finish(delivery)
    await run.work()
    assert.deepEqual(await stored(company), [])
    assert.equal(await countOf(pools, 'retention_waiting'), 0)
  })

  test('whose time was made longer while they waited are kept', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const subscriptionId = await company.subscribe('a.owed')
    await publishDaysAgo(pools, company, 50, { eventName: 'a.owed' })
    await decideRetention(company, { payload_retention_days: 31 })
    const run = retentionRun(pools)
    await run.work()
    const [delivery] = await company.claim(subscriptionId)
    assert.ok(delivery)
    await company.finish(delivery)
    await decideRetention(company, { payload_retention_days: 60 })
    await run.work()
    assert.deepEqual(await stored(company), ['a.owed'])
  })

  test('wait for a job that may read them', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await publishDaysAgo(pools, company, 50, { eventName: 'a.free' })
    const id = await company.subscribe('a.*')
    const now = { ...author, nowMs: Date.now() }
    const job = await company.asCompany(
      async (db) => await recoverSubscription(db, now, company.id, id, { from_position: 1 }, undefined),
    )
    await decideRetention(company, { payload_retention_days: 31 })
    const run = retentionRun(pools)
    await run.work()
    assert.deepEqual(await stored(company), ['a.free'])
    await jobRun(pools).work()
    const [delivery] = await company.claim(id)
    assert.ok(delivery, (await jobOf(company, job)).state)
    await company.finish(delivery)
    await run.work()
    assert.deepEqual(await stored(company), [])
  })

  test('wait for a job that is paused, for it may go on', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await publishDaysAgo(pools, company, 50, { eventName: 'a.free' })
    const id = await company.subscribe('a.*')
    const now = { ...author, nowMs: Date.now() }
    const job = await company.asCompany(async (db) => {
      const { id: jobId } = await recoverSubscription(db, now, company.id, id, { from_position: 1 }, undefined)
      return await pauseJob(db, now, company.id, { id: jobId })
    })
    await decideRetention(company, { payload_retention_days: 31 })
    await retentionRun(pools).work()
    assert.equal(job.state, 'paused')
    assert.deepEqual(await stored(company), ['a.free'])
    const { waiting } = await company.asCompany(async (db) => await readRetentionState(db, company.id))
    assert.equal(waiting.job_id, job.id)
  })

  test('of one company end, and another one keeps its own of the same month', async (t) => {
    const { pools } = await testDatabase(t)
    const [ending, keeping] = [await testCompany(pools), await testCompany(pools)]
    for (const company of [ending, keeping]) await publishDaysAgo(pools, company, 200, { eventName: 'a.b' })
    await decideRetention(ending, { payload_retention_days: 31 })
    await retentionRun(pools).work()
    assert.deepEqual([await stored(ending), await stored(keeping)], [[], ['a.b']])
  })

  test('do not end by a clock that is ahead of the database', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await publishDaysAgo(pools, company, 20, { eventName: 'a.b' })
    await decideRetention(company, { payload_retention_days: 31 })
    const ahead = { ...systemClock, now: () => Date.now() + 365 * 24 * 3_600_000 }
    await retentionRun(pools, { clock: ahead }).work()
    assert.deepEqual(await stored(company), ['a.b'])
  })

  test('a batch whose commit fails leaves rows and progress as they were, and is done again', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await publishDaysAgo(pools, company, 50, { eventName: 'a.b' })
    await decideRetention(company, { payload_retention_days: 31 })
    const run = retentionRun(pools)
    t.after(() => armFailpoints(''))
    armFailpoints('retention.before_commit=throw')
    await run.work()
    assert.match(String(run.errors), /failpoint/)
    armFailpoints('')
    assert.deepEqual(await stored(company), ['a.b'])
    await run.work()
    assert.deepEqual(await stored(company), [])
  })

  test('a leader that slept through its lease ends nothing', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await publishDaysAgo(pools, company, 50, { eventName: 'a.b' })
    await decideRetention(company, { payload_retention_days: 31 })
    const [one, other] = [retentionRun(pools), retentionRun(pools)]
    await one.keeper.round()
    await sql(pools.owner, `update leases set expires_at = '-infinity' where name = 'retention'`)
    await other.keeper.round()
    await one.keeper.round()
    assert.deepEqual(await stored(company), ['a.b'])
    await other.work()
    assert.deepEqual(await stored(company), [])
  })
})

describe('what fails', () => {
  test('is told of, and keeps nothing but itself: not other rows, not other companies, not other months', async (t) => {
    const { pools } = await testDatabase(t)
    const companies = [await testCompany(pools), await testCompany(pools)]
    for (const company of companies) {
      for (const eventName of ['a.b', 'a.c']) await publishDaysAgo(pools, company, 50, { eventName }, { eventName })
      await decideRetention(company, { payload_retention_days: 31 })
    }
    const [company, other] = companies
    assert.ok(company && other)
    const [stuck] = await publishDaysAgo(pools, company, 40, { eventName: 'a.b' })
    await sql(
      pools.owner,
      `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$;
       create trigger refuse before delete on event_logs for each row when (old.id = '${stuck?.id}')
         execute function refuse()`,
    )
    const run = retentionRun(pools)
    await run.work()
    assert.match(String(run.errors), /refused/)
    assert.deepEqual([await stored(company), await stored(other)], [['a.b', 'a.b', 'a.b'], []])
    for (let passes = 0; passes < 12; passes++) await run.work()
    assert.deepEqual(await stored(company), ['a.b'], 'smaller batches leave the row alone that cannot go')
  })

  test('when a table that was detached cannot be dropped, is no reason to keep others', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await sql(
      pools.owner,
      `create table ended_event_logs_2001_01 (id uuid); create table ended_event_logs_2001_02 (id uuid);
       create view in_the_way as select id from ended_event_logs_2001_01`,
    )
    await publishDaysAgo(pools, company, 50, { eventName: 'a.b' })
    await decideRetention(company, { payload_retention_days: 31 })
    const run = retentionRun(pools)
    await run.work()
    assert.match(String(run.errors), /depend on it/)
    assert.ok(run.ended.some(({ what }) => what === 'ended_event_logs_2001_02'))
    assert.deepEqual(await stored(company), [])
  })

  test('is not a batch of large payloads: it takes as many as 32 MiB have', () => {
    assert.equal(countWithin([], 10), 0)
    assert.equal(countWithin([11, 1], 10), 1)
    assert.equal(countWithin([5, 5, 1], 10), 2)
  })

  test('is not who decides while much is left to do for another: it has its turn within seconds', async (t) => {
    const { pools } = await testDatabase(t)
    const [busy, other] = [await testCompany(pools), await testCompany(pools)]
    const rows = Array.from({ length: 20 }, () => ({ eventName: 'a.b' }))
    await publishDaysAgo(pools, busy, 50, ...rows)
    await publishDaysAgo(pools, other, 50, { eventName: 'z.z' })
    await decideRetention(busy, { payload_retention_days: 31 })
    const clock = clockThatPasses()
    const run = retentionRun(pools, { clock, batchRows: 1 })
    for (let rounds = 0; rounds < 5; rounds++) await run.keeper.round()
    await decideRetention(other, { payload_retention_days: 31 })
    clock.turn(5_000)
    for (let rounds = 0; rounds < 5; rounds++) await run.keeper.round()
    assert.deepEqual(await stored(other), [])
    assert.ok((await stored(busy)).length > 5)
    await run.work()
    assert.deepEqual(await stored(busy), [])
  })
})

describe('a change of the decision', () => {
  test('that waits for what is being ended keeps nobody from routing', async (t) => {
    const { pools, closeFirst } = await testDatabase(t)
    const [company, other] = [await testCompany(pools), await testCompany(pools)]
    await decideRetention(company, { payload_retention_days: 31 })
    const batch = await pools.owner.connect()
    closeFirst(async () => batch.release(true))
    await batch.query('begin')
    await batch.query('select from retention_settings where company_id = $1 for share', [company.id])
    const change = decideRetention(company, { payload_retention_days: 32 })
    const waits = `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    await until('the change waits', async () => (await sqlValue(pools.owner, waits)) === 1)
    for (const one of [company, other]) await one.publish({ eventName: 'a.b' })
    await other.route()
    const routed = `select count(*) from event_audit_trail where event_name = 'a.b'`
    assert.equal(await sqlValue(pools.owner, routed), 2)
    await batch.query('commit')
    await change
    const { payload_retention_days } = await company.asCompany(async (db) => await readRetentionState(db, company.id))
    assert.equal(payload_retention_days, 32)
  })

  test('at the same time as another tells of it as what was before', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await Promise.all([40, 50].map(async (days) => await decideRetention(company, { payload_retention_days: days })))
    const changes = await sql<{ payload: string }>(
      pools.owner,
      `select payload from event_logs where event_name = 'daybook.retention.changed' order by id`,
    )
    const told = changes.map(({ payload }): { before: Retention; after: Retention } => JSON.parse(payload))
    const first = told.find(({ before }) => before.payload_retention_days === null)
    const second = told.find((one) => one !== first)
    assert.ok(first && second)
    assert.equal(second.before.payload_retention_days, first.after.payload_retention_days)
  })
})

describe('a preview', () => {
  test('of a company with very many names looks at some of them and says so', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await sql(
      pools.owner,
      `insert into event_audit_trail (company_id, position, event_id, event_name, recorded_at, digest)
       select $1, 1000 + n, gen_random_uuid(), 'n.x' || n, now() - interval '50 days', '' from generate_series(1, 600) n`,
      [company.id],
    )
    const preview = async (wanted: Partial<Retention>) =>
      await company.asCompany(
        async (db) => await previewRetention(db, company.id, { ...keepAll, ...wanted }, Date.now()),
      )
    assert.equal((await preview({ payload_retention_days: 31 })).payloads.is_complete, false)
    const rules = [{ event_name: 'n.x7', payload_retention_days: 31 }]
    assert.equal((await preview({ rules })).payloads.is_complete, true)
  })
})

describe('what needs a payload that has ended', () => {
  test('a retry of its delivery is refused, by itself and in a job; a recovery passes it over', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const id = await company.subscribe('a.*')
    await publishDaysAgo(pools, company, 50, { eventName: 'a.b' })
    const [delivery] = await company.claim(id)
    assert.ok(delivery)
    await company.finish(delivery, { outcome: 'failed', reason: 'http_500' })
    await decideRetention(company, { payload_retention_days: 31 })
    await retentionRun(pools).work()
    const now = { ...author, nowMs: Date.now() }
    await assert.rejects(
      company.asCompany(async (db) => await retryDelivery(db, now, company.id, delivery.id)),
      (error) => error instanceof ProblemError && error.code === 'payload_expired',
    )
    const late = await company.subscribe('a.*')
    const jobs = await company.asCompany(async (db) => [
      await startJob(db, now, company.id, retryDeliveries, { state: 'failed' }, undefined),
      await recoverSubscription(db, now, company.id, late, { from_position: 1 }, undefined),
    ])
    await jobRun(pools).work()
    for (const job of jobs) {
      const { state, done, skipped_reasons } = await jobOf(company, job)
      assert.deepEqual([state, done, skipped_reasons['payload_expired']], ['succeeded', 0, 1])
    }
    assert.equal(await countOf(pools, 'webhook_deliveries'), 0)
  })
})

describe('the ledger', () => {
  test('ends after its days, but for the attempts of what is still pending', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await company.subscribe('a.b')
    await publishDaysAgo(pools, company, 60, { eventName: 'a.b' })
    const [pending] = await sql<{ id: string }>(pools.owner, 'select id from webhook_deliveries')
    const kept = [
      await addAttemptDaysAgo(pools, company, 60, { deliveryId: pending?.id ?? '', outcome: 'will_retry' }),
      await addAttemptDaysAgo(pools, company, 30),
    ]
    for (let n = 0; n < 5; n++) await addAttemptDaysAgo(pools, company, 60)
    await decideRetention(company, { ledger_retention_days: 40 })
    const run = retentionRun(pools, { batchRows: 2 })
    await run.work()
    const left = await sql<{ id: string }>(pools.owner, 'select id from webhook_logs order by id')
    assert.deepEqual(
      left.map(({ id }) => id),
      kept,
    )
  })

  test('waits until its rows are counted', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await addAttemptDaysAgo(pools, company, 60)
    await sql(
      pools.owner,
      `insert into attempt_journal (company_id, id, kinds) select company_id, id, '[]' from webhook_logs`,
    )
    await decideRetention(company, { ledger_retention_days: 40 })
    await retentionRun(pools).work()
    assert.equal(await countOf(pools, 'webhook_logs'), 1)
    await sql(pools.owner, 'delete from attempt_journal')
    await retentionRun(pools, {}).keeper.round() // follows: the other one leads
    await sql(pools.owner, `update leases set expires_at = '-infinity' where name = 'retention'`)
    await retentionRun(pools).work()
    assert.equal(await countOf(pools, 'webhook_logs'), 0)
  })

  test('[statistics-exact] statistics that are rebuilt keep what was counted of rows that are gone', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    for (const days of [60, 50, 41, 39, 1]) await addAttemptDaysAgo(pools, company, days)
    const { ends } = await rebuildStats(pools.engine, company.id, Date.now())
    assert.equal(ends, 5)
    const before = await storedStats(pools.owner)
    await decideRetention(company, { ledger_retention_days: 40 })
    await retentionRun(pools).work()
    assert.equal(await countOf(pools, 'webhook_logs'), 2)
    await rebuildStats(pools.engine, company.id, Date.now())
    assert.deepEqual(await storedStats(pools.owner), before)
  })

  test('an event is not said to have been owed to nobody when nobody knows any more', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const [old] = await publishDaysAgo(pools, company, 60, { eventName: 'a.b' })
    const [young] = await publishDaysAgo(pools, company, 35, { eventName: 'a.b' })
    const ids = [old?.id ?? '', young?.id ?? '']
    const owedToNobody = async () =>
      await company.asCompany(async (db) => [...(await byDelivery('none').test(db, company.id, ids))])
    assert.deepEqual(await owedToNobody(), ids)
    await decideRetention(company, { ledger_retention_days: 40 })
    await retentionRun(pools).work()
    assert.deepEqual(await owedToNobody(), [young?.id])
  })

  test('a recovery sends nothing of which it cannot know any more whether it was sent', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const id = await company.subscribe('a.b')
    await publishDaysAgo(pools, company, 60, { eventName: 'a.b' })
    const [delivery] = await company.claim(id)
    assert.ok(delivery)
    await company.finish(delivery)
    await sql(pools.owner, 'delete from webhook_logs') // as if it had ended then
    await addAttemptDaysAgo(pools, company, 60)
    await sql(pools.owner, 'delete from attempt_journal')
    await decideRetention(company, { ledger_retention_days: 40 })
    await retentionRun(pools).work()
    const now = { ...author, nowMs: Date.now() }
    const job = await company.asCompany(
      async (db) => await recoverSubscription(db, now, company.id, id, { from_position: 1 }, undefined),
    )
    await jobRun(pools).work()
    const { done, skipped_reasons } = await jobOf(company, job)
    assert.deepEqual([done, skipped_reasons['ledger_expired']], [0, 1])
  })
})

describe('a month', () => {
  const there = async (pools: Pools, name: string): Promise<boolean> =>
    await sqlValue(pools.owner, 'select to_regclass($1) is not null', [name])

  test('goes at once when everybody who has rows in it would end them all', async (t) => {
    const { pools } = await testDatabase(t)
    const [one, other] = [await testCompany(pools), await testCompany(pools)]
    for (const company of [one, other]) {
      await publishDaysAgo(pools, company, 200, { eventName: 'a.b' })
      await addAttemptDaysAgo(pools, company, 200)
    }
    await decideRetention(one, { payload_retention_days: 31, ledger_retention_days: 31 })
    await decideRetention(other, { payload_retention_days: 90, ledger_retention_days: 90 })
    const run = retentionRun(pools)
    await run.work()
    for (const table of ['event_logs', 'webhook_logs']) assert.equal(await there(pools, monthOf(table, 200)), false)
    assert.ok(run.ended.some(({ what }) => what === `ended_${monthOf('event_logs', 200)}`))
    assert.deepEqual([await stored(one), await stored(other)], [[], []])
    assert.equal(await countOf(pools, 'ledger_retention'), 2)
  })

  test('stays for a name that is kept, for a delivery that is pending, and as long as it can be written to', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await company.subscribe('a.owed')
    await publishDaysAgo(pools, company, 200, { eventName: 'a.owed' })
    await publishDaysAgo(pools, company, 400, { eventName: 'b.kept' })
    await decideRetention(company, {
      payload_retention_days: 31,
      rules: [{ event_name: 'b.kept', payload_retention_days: null }],
    })
    await retentionRun(pools).work()
    assert.deepEqual(await stored(company), ['a.owed', 'b.kept'])
    for (const days of [0, 200, 400]) assert.ok(await there(pools, monthOf('event_logs', days)))
  })

  test('whose rows have all ended goes, whatever others keep of other months', async (t) => {
    const { pools } = await testDatabase(t)
    const [ending, keeping] = [await testCompany(pools), await testCompany(pools)]
    await publishDaysAgo(pools, ending, 200, { eventName: 'a.b' })
    await publishDaysAgo(pools, keeping, 400, { eventName: 'a.b' })
    const rules = [{ event_name: 'daybook.*', payload_retention_days: null }] // so that no month goes whole
    await decideRetention(ending, { payload_retention_days: 31, rules })
    const run = retentionRun(pools)
    await run.work()
    assert.ok(await there(pools, monthOf('event_logs', 200)))
    await run.work()
    assert.equal(await there(pools, monthOf('event_logs', 200)), false)
    assert.ok(await there(pools, monthOf('event_logs', 400)))
  })

  test('that somebody is using is left for later and keeps no rows; publishers wait for a moment, once in a while', async (t) => {
    const { pools, closeFirst } = await testDatabase(t)
    const company = await testCompany(pools)
    for (const days of [200, 240, 50]) await publishDaysAgo(pools, company, days, { eventName: 'a.b' })
    const clock = clockThatPasses()
    await decideRetention(company, { payload_retention_days: 31 })
    const reader = await pools.api.connect()
    closeFirst(async () => reader.release(true))
    await reader.query('begin; select 1 from event_logs limit 1')
    const run = retentionRun(pools, { clock })
    const working = new AbortController()
    const waits: number[] = []
    const publishing = (async () => {
      while (!working.signal.aborted) {
        const beganMs = performance.now()
        await company.publish({ eventName: 'c.d' })
        waits.push(performance.now() - beganMs)
      }
    })()
    await run.work()
    await run.work()
    working.abort()
    await publishing
    assert.equal(run.busy.length, 1, 'neither the next month nor the next pass tries again')
    assert.ok(Math.max(...waits) < 3_000, `a publish waited for ${Math.max(...waits)} ms`)
    assert.deepEqual(
      run.ended.filter(({ what }) => what === 'payloads'),
      [{ what: 'payloads', rows: 3 }],
    )
    clock.turn(2_000)
    await run.work()
    clock.turn(2_000)
    await run.work()
    assert.equal(run.busy.length, 2, 'each pause is twice as long')
    await reader.query('commit')
    clock.turn(2_000)
    await run.work()
    assert.equal(await there(pools, monthOf('event_logs', 200)), false)
  })

  test('that an operator began to detach and did not finish is left alone, and keeps nothing else', async (t) => {
    const { pools, closeFirst } = await testDatabase(t)
    const company = await testCompany(pools)
    for (const days of [200, 50]) await publishDaysAgo(pools, company, days, { eventName: 'a.b' })
    const name = monthOf('event_logs', 200)
    const reader = await pools.engine.connect()
    closeFirst(async () => reader.release(true))
    await reader.query('begin; select 1 from event_logs limit 1')
    const operator = await pools.owner.connect()
    closeFirst(async () => operator.release(true))
    await operator.query(`set lock_timeout = '200ms'`)
    await assert.rejects(operator.query(`alter table event_logs detach partition ${name} concurrently`), /lock timeout/)
    await reader.query('commit')
    await decideRetention(company, { payload_retention_days: 31 })
    const run = retentionRun(pools)
    await run.work()
    assert.deepEqual(run.errors, [])
    assert.ok(await there(pools, name))
    assert.deepEqual(await stored(company), [])
  })

  test('and everything else stays where the login does not see the rows, and this is told', async (t) => {
    const { pools, closeFirst } = await testDatabase(t)
    const company = await testCompany(pools)
    await publishDaysAgo(pools, company, 200, { eventName: 'a.b' })
    await decideRetention(company, { payload_retention_days: 31 })
    const role = `blind_${randomUUID().replaceAll('-', '')}`
    await sql(pools.owner, `create role ${role}; grant select on all tables in schema public to ${role}`)
    closeFirst(async () => void (await sql(pools.owner, `drop owned by ${role}; drop role ${role}`)))
    const asBlind = async <Result>(work: (db: Db) => Promise<Result>): Promise<Result> =>
      await inTransaction(pools.owner, async (db) => {
        await db.query({ name: '', text: `set local role ${role}`, values: [] })
        return await work(db)
      })
    const blind: DbPool = { ...pools.owner, query: async (query) => await asBlind(async (db) => await db.query(query)) }
    assert.equal(await sqlValue(blind, 'select count(*) from event_logs'), 0)
    const run = retentionRun(pools, { owner: blind })
    await run.work()
    assert.match(String(run.errors), /does not inherit the rights/)
    const [month] = await listMonths(pools.owner)
    assert.ok(month)
    await assert.rejects(
      asBlind(async (db) => await tryMonth(db, month, Date.now())),
      /does not inherit the rights/,
    )
    assert.ok(await there(pools, monthOf('event_logs', 200)))
  })

  test('keeps nobody from publishing when its process stalls after the detach; it goes later', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await publishDaysAgo(pools, company, 200, { eventName: 'a.b' })
    await decideRetention(company, { payload_retention_days: 31 })
    const [name, run] = [monthOf('event_logs', 200), retentionRun(pools)]
    const [month] = (await listMonths(pools.owner)).filter(({ partition }) => partition === name)
    assert.ok(month)
    let resume = (): void => {}
    const stalled = new Promise<void>((resolve) => void (resume = resolve))
    let detached = (): void => {}
    const isDetached = new Promise<void>((resolve) => void (detached = resolve))
    const stalling = inTransaction(pools.owner, async (db) => {
      await detachMonth(db, month)
      detached()
      await stalled
    })
    await isDetached
    const beganMs = performance.now()
    await company.publish({ eventName: 'c.d' })
    const waitedMs = performance.now() - beganMs
    resume()
    await assert.rejects(stalling)
    assert.ok(waitedMs < 3_000, `a publish waited for ${waitedMs} ms`) // 20 s without a limit
    assert.ok(await there(pools, name))
    await run.work()
    assert.equal(await there(pools, name), false)
  })

  test('that was detached before a kill is dropped by the next leader; another table of an operator is not', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await publishDaysAgo(pools, company, 200, { eventName: 'a.b' })
    await decideRetention(company, { payload_retention_days: 31 })
    await sql(pools.owner, 'create table archived_event_logs_2020_01 (id uuid)')
    t.after(() => armFailpoints(''))
    armFailpoints('retention.before_drop=throw')
    const run = retentionRun(pools)
    await run.work()
    assert.match(String(run.errors), /failpoint/)
    armFailpoints('')
    const leftOver = `select relname as name from pg_class where relname ~ '^ended_' and relkind = 'r'`
    assert.ok((await sql(pools.owner, leftOver)).length > 0)
    await run.work()
    assert.deepEqual(await sql(pools.owner, leftOver), [])
    assert.ok(await there(pools, 'archived_event_logs_2020_01'))
  })
})
