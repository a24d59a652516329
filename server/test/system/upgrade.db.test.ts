import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { migrate, ownMigrations } from '../../src/db/migrate.ts'
import { openPools } from '../../src/db/pools.ts'
import { asAdministrator, withDatabase } from '../support/database.ts'
import { sql } from '../support/sql.ts'

/** A database as an earlier version left it, and the way on. */
async function oldDatabase(t: TestContext) {
  const name = `u_${process.pid}`
  await asAdministrator(async (run) => await run(`create database ${name}`))
  t.after(async () => await asAdministrator(async (run) => await run(`drop database ${name} with (force)`)))
  const url = withDatabase(name)
  const pools = openPools({ url, onError: () => {} })
  t.after(async () => await pools.close())
  const directory = await mkdtemp(join(tmpdir(), 'daybook-migrations-'))
  t.after(async () => await rm(directory, { recursive: true }))
  return {
    owner: pools.owner,
    migrateTo: async (last: string) => {
      const names = (await readdir(ownMigrations)).filter((file) => file.slice(0, 4) <= last)
      for (const file of names) await cp(join(ownMigrations, file), join(directory, file))
      await migrate(url, () => {}, directory)
    },
  }
}

const company = '01900000-0000-7000-8000-000000000001'
const one = '01900000-0000-7000-8000-00000000000a'
const two = '01900000-0000-7000-8000-00000000000b'

test('versions from before positions were kept are in force from their events on; left credentials are known as such', async (t) => {
  const { owner, migrateTo } = await oldDatabase(t)
  await migrateTo('0007')
  const addVersion = async (version: number, id: string) =>
    await sql(
      owner,
      `insert into event_subscription_versions (company_id, version, subscription_id, webhook_url, event_names, status, concurrency, timeout_ms)
       values ($1, $2, $3, 'https://example.com/', '{*}', 'active', 1, 1000)`,
      [company, version, id],
    )
  await sql(owner, 'insert into company_heads (company_id, last_position) values ($1, 12)', [company])
  for (const [version, id] of [
    [1, one],
    [2, two],
    [3, one],
    [4, one],
  ] as const)
    await addVersion(version, id)
  const told = [
    [3, one, 'created'],
    [4, two, 'created'],
    [7, one, 'other'],
    [9, one, 'updated'],
  ] as const
  for (const [position, id, what] of told) {
    await sql(
      owner,
      `insert into event_audit_trail (company_id, position, event_id, event_name, entity_type, entity_id, recorded_at, digest)
       values ($1, $2, gen_random_uuid(), $3, 'subscription', $4, now(), '')`,
      [company, position, `daybook.subscription.${what}`, id],
    )
  }
  await migrateTo('0010')
  await addVersion(5, two)
  const addSubscription = async (id: string, status: string, credential: string | null) =>
    await sql(
      owner,
      `insert into event_subscriptions (company_id, id, version, webhook_url, event_names, status, concurrency, timeout_ms, credential_id, held_from_position)
       values ($1, $2, 1, 'https://example.com/', '{*}', $3, 1, 1000, $4, case $3 when 'active' then null else 1 end)`,
      [company, id, status, credential],
    )
  await addSubscription(one, 'active', two)
  await addSubscription(two, 'deleted', two)
  for (const [id, credential] of [
    [one, one],
    [one, two],
    [two, two],
  ] as const) {
    await sql(
      owner,
      `insert into subscription_credentials (company_id, subscription_id, id, sealed) values ($1, $2, $3, '')`,
      [company, id, credential],
    )
  }
  await migrateTo('9999')
  const versions = await sql<{ version: number; after_position: number }>(
    owner,
    'select version, after_position from event_subscription_versions order by version',
  )
  assert.deepEqual(
    versions.map(({ version, after_position: after }) => [version, after]),
    [
      [1, 2],
      [2, 3],
      [3, 8],
      [4, 12], // its event has no position yet
      [5, 0], // written with a true one
    ],
  )
  const credentials = `select subscription_id, id, superseded_at is null as is_current from subscription_credentials order by id`
  assert.deepEqual(await sql(owner, credentials), [
    { subscription_id: one, id: one, is_current: false },
    { subscription_id: one, id: two, is_current: true },
  ])
})
