import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Client } from 'pg'
import type { TestCompany } from '../../../test/support/company.ts'
import { testCompany } from '../../../test/support/company.ts'
import type { TestDatabase } from '../../../test/support/database.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { testVault } from '../../../test/support/master-key.ts'
import { sql } from '../../../test/support/sql.ts'
import type { Db } from '../../db/statement.ts'
import { systemClock } from '../../lib/clock.ts'
import { newId } from '../../lib/ids.ts'
import { createVault } from '../../vault/vault.ts'
import type { Patient } from './examine.ts'
import { CannotLook, examine } from './examine.ts'
import type { Check, Finding } from './finding.ts'

type Findings = Readonly<Record<Check, Finding | undefined>>

interface Case {
  readonly database: TestDatabase
  readonly company: TestCompany
  readonly owner: Db
  look(patient?: Partial<Patient>): Promise<Findings>
}

/** A database of one company, led by a router. The server of the tests runs without fsync, which is a finding in itself. */
async function begin(t: TestContext): Promise<Case> {
  const database = await testDatabase(t)
  const { pools } = database
  const company = await testCompany(pools)
  await sql(
    pools.engine,
    `insert into leases (name, holder, fence, expires_at) values ('router', $1, 1, now() + interval '1 minute')`,
    [newId()],
  )
  return {
    database,
    company,
    owner: pools.owner,
    look: async (patient) => {
      const findings = await examine({ pools, clock: systemClock, vault: testVault(pools), ...patient })
      return Object.fromEntries(findings.map((finding) => [finding.check, finding])) as unknown as Findings
    },
  }
}

/** So that a company may route without the lease that a case begins with. */
async function route({ company, owner }: Case): Promise<void> {
  await sql(owner, `update leases set expires_at = '-infinity'`)
  await company.route()
  await sql(owner, `update leases set expires_at = now() + interval '1 minute'`)
}

/** A subscription with one delivery that has been due for so long. */
async function lateDelivery(given: Case): Promise<string> {
  const id = await given.company.subscribe('thing.happened')
  await given.company.publish({})
  await route(given)
  await sql(given.owner, `update webhook_deliveries set due_at = now() - interval '5 minutes'`)
  return id
}

test('a database in order gives no finding but that the server of the tests runs without fsync', async (t) => {
  const given = await begin(t)
  await given.company.subscribe('*')
  await route(given)
  await sql(given.owner, 'delete from webhook_deliveries')
  const { durability, ...rest } = await given.look()
  assert.match(durability?.message ?? '', durability?.level === 'problem' ? /^fsync off/ : /on disk/)
  const checks = Object.values(rest)
  assert.equal(checks.length, 12)
  assert.deepEqual(
    checks.filter((one) => one?.level !== 'ok'),
    [],
  )
})

test('pending migrations, and those of a newer version, are named', async (t) => {
  const { owner, look } = await begin(t)
  await sql(owner, `update migrations set name = '9999_later' where name = '0001_spine'`)
  const { migrations } = await look()
  assert.deepEqual([migrations?.level, migrations?.details], ['problem', ['0001_spine']])
  await sql(owner, `insert into migrations (name, run_on) values ('0001_spine', now())`)
  const newer = (await look()).migrations
  assert.deepEqual([newer?.level, newer?.details], ['warning', ['9999_later']])
})

test('a clock that differs by more than five seconds is a warning, in either direction', async (t) => {
  const { look } = await begin(t)
  const ahead = async (ms: number): Promise<Finding | undefined> =>
    (await look({ clock: { ...systemClock, now: () => Date.now() + ms } })).clock
  assert.match((await ahead(60_000))?.message ?? '', /60\.\d s ahead/)
  assert.equal((await ahead(-6_000))?.level, 'warning')
  assert.equal((await ahead(3_000))?.level, 'ok')
})

test('a transaction that is open for more than five minutes is a warning and says whose it is', async (t) => {
  const { database, owner, look } = await begin(t)
  const client = new Client({ connectionString: database.url, application_name: 'a nightly report' })
  await client.connect()
  database.closeFirst(async () => await client.end())
  await client.query('begin isolation level repeatable read')
  await client.query('select count(*) from companies')
  assert.equal((await look()).transactions?.level, 'ok', 'for a short while it is nothing')
  const old: Db = {
    query: async (query) => {
      if (query.name !== 'server.oldest_transaction') return await owner.query(query)
      return await owner.query({
        ...query,
        name: '',
        text: query.text.replace('clock_timestamp()', `now() + interval '6 minutes'`),
      })
    },
  }
  const pools = { ...database.pools, owner: { ...database.pools.owner, ...old } }
  const { transactions } = await look({ pools })
  assert.equal(transactions?.level, 'warning')
  assert.match(transactions.message, /6 min \(a nightly report\)/)
})

test('a partition that is missing for this month or the next is a problem', async (t) => {
  const { owner, look } = await begin(t)
  const next = new Date()
  next.setUTCDate(1)
  next.setUTCMonth(next.getUTCMonth() + 1)
  const name = `event_logs_${next.toISOString().slice(0, 7).replace('-', '_')}`
  await sql(owner, `alter table event_logs detach partition ${name}`)
  const { partitions } = await look()
  assert.deepEqual([partitions?.level, partitions?.details], ['problem', [name]])
})

test('secrets that do not open, and those in clear, are counted', async (t) => {
  const { database, company, owner, look } = await begin(t)
  const [first] = [await company.subscribe('a.*'), await company.subscribe('b.*')]
  await sql(owner, `update subscription_secrets set sealed = sealed || '\\x00' where subscription_id = $1`, [first])
  const { secrets } = await look()
  assert.equal(secrets?.level, 'problem')
  assert.match(secrets.message, /^1 of 2 /)
  assert.deepEqual(secrets.details, [first])
  const other = createVault({ keys: [new Uint8Array(32)] }, database.pools.engine)
  assert.match((await look({ vault: other })).secrets?.message ?? '', /^2 of 2 /)
  await sql(owner, `update subscription_secrets set sealed = null, secret = 'whsec_x' where subscription_id = $1`, [
    first,
  ])
  assert.equal((await look()).secrets?.level, 'warning')
  assert.equal((await look({ vault: undefined })).secrets, undefined, 'without a key it is not looked at')
})

test('that no router leads is a problem, whether one never did, went, or was lost', async (t) => {
  const { owner, look } = await begin(t)
  const message = async (): Promise<string> => {
    const { leader } = await look()
    assert.equal(leader?.level, 'problem')
    return leader.message
  }
  await sql(owner, `update leases set expires_at = now() - interval '5 minutes'`)
  assert.match(await message(), /lost its lease 5 min ago/)
  await sql(owner, `update leases set expires_at = '-infinity'`)
  assert.match(await message(), /handed its lease back/)
  await sql(owner, `delete from leases`)
  assert.match(await message(), /never led/)
})

test('events that are not routed are a problem once they are late, and the reason is who leads', async (t) => {
  const { company, owner, look } = await begin(t)
  await company.publish({})
  assert.equal((await look()).router?.level, 'ok')
  await company.publish({})
  await sql(owner, 'delete from event_outbox')
  await company.publish({ recordedAt: new Date(Date.now() - 180_000).toISOString() })
  const led = (await look()).router
  assert.equal(led?.level, 'problem')
  assert.match(led.message, /^1 events wait to be routed, the first for 3 min: a router leads and does not get on/)
  await sql(owner, `update leases set expires_at = '-infinity'`)
  assert.match((await look()).router?.message ?? '', /no router leads/)
})

test('events that were set aside are named with their reason', async (t) => {
  const { company, owner, look } = await begin(t)
  const [event] = await company.publish({})
  await sql(
    owner,
    `with gone as (delete from event_outbox where event_id = $1 returning company_id, seq, event_id)
     insert into events_set_aside (company_id, seq, event_id, reason) select company_id, seq, event_id, 'payload_altered' from gone`,
    [event?.id],
  )
  const found = (await look()).set_aside
  assert.equal(found?.level, 'problem')
  assert.match(
    found.details[0] ?? '',
    new RegExp(`event ${event?.id} of company ${company.id}: payload_altered, since `),
  )
})

test('what is due and not taken is named with why: and is a problem unless it waits on purpose', async (t) => {
  const given = await begin(t)
  const { company, owner, look } = given
  const id = await lateDelivery(given)
  const told = async (level: Finding['level']): Promise<string> => {
    const { deliveries } = await look()
    assert.equal(deliveries?.level, level)
    assert.match(
      deliveries.details[0] ?? '',
      new RegExp(`^subscription ${id} of company ${company.id}: due for 5 min; `),
    )
    return deliveries.details[0]?.split('; ')[1] ?? ''
  }
  assert.match(await told('problem'), /^no dispatcher/)

  await company.publish({})
  await route(given)
  await sql(
    owner,
    `update webhook_deliveries set lease_token = $1, due_at = now() + interval '1 minute' where due_at > now() - interval '1 minute'`,
    [newId()],
  )
  assert.match(await told('problem'), /no free slots/)
  await sql(owner, `update event_subscriptions set rate_limit = 3`)
  assert.match(await told('warning'), /rate limit of 3 /)
  await sql(owner, `update event_subscriptions set concurrency = 1`)
  assert.match(await told('warning'), /^all of its 1 calls/)
  await sql(owner, `update event_subscriptions set concurrency = 10, rate_limit = null`)
  await sql(owner, `update webhook_deliveries set lease_token = $1 where due_at < now()`, [newId()])
  assert.match(await told('problem'), /process that had it is gone/)
  await sql(
    owner,
    `update subscription_health set breaker = 'open', breaker_open_until = now() + interval '20 seconds'`,
  )
  assert.match(await told('warning'), /breaker is open/)
  await sql(owner, `update event_subscriptions set status = 'inactive', held_from_position = 3`)
  assert.match(await told('warning'), /inactive, and keeps/)
})

test('ordered deliveries that would wait for ever are named by their subscription, and not by what they are about', async (t) => {
  const given = await begin(t)
  const { company, owner, look } = given
  const id = await company.subscribe('thing.happened')
  for (const table of ['event_subscriptions', 'event_subscription_versions']) {
    await sql(owner, `update ${table} set ordering = 'entity'`)
  }
  await company.publish({}, {}, {})
  await route(given)
  assert.equal((await look()).order?.level, 'ok')
  await sql(owner, `delete from webhook_deliveries where due_at < 'infinity'`)
  const { order } = await look()
  assert.equal(order?.level, 'problem')
  assert.deepEqual(order.details, [`subscription ${id} of company ${company.id}: 1 order`])
})

test('disabled subscriptions are named with the reason', async (t) => {
  const { company, owner, look } = await begin(t)
  const id = await company.subscribe('*')
  await sql(
    owner,
    `update event_subscriptions set status = 'disabled', disabled_reason = 'failures_in_row', held_from_position = 1`,
  )
  const { subscriptions } = await look()
  assert.equal(subscriptions?.level, 'warning')
  assert.match(subscriptions.details[0] ?? '', new RegExp(`${id} of company ${company.id}: failures_in_row, since `))
})

test('one question without an answer keeps no other from being asked; a database that is away ends it', async (t) => {
  const { database, owner, look } = await begin(t)
  await sql(owner, 'drop table events_set_aside')
  const found = await look()
  assert.equal(found.set_aside?.level, 'problem')
  assert.match(found.set_aside.message, /cannot be looked at: .*\(42P01\)/)
  assert.equal(found.subscriptions?.level, 'ok')

  const query = async (): Promise<never> => {
    throw Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' })
  }
  const pools = { ...database.pools, owner: { query, connect: query } }
  await assert.rejects(look({ pools }), CannotLook)
})
