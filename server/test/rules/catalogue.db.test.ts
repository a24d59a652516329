import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../support/database.ts'
import type { Db } from '../../src/db/statement.ts'

const globalTables = ['companies', 'leases', 'master_key_use', 'migrations']

async function rows<Row>(db: Db, text: string): Promise<Row[]> {
  return (await db.query<Row>({ name: '', text, values: [] })).rows
}

const companyTables = `
  select c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relispartition
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relname <> all ('{${globalTables.join(',')}}')`

test('company_id leads every primary key, unique index and foreign key of a company table', async (t) => {
  const { pools } = await testDatabase(t)
  const keys = await rows<{ relname: string; key: string; first: string }>(
    pools.owner,
    `select t.relname, i.indexrelid::regclass::text as key, a.attname as first
       from (${companyTables}) t
       join pg_index i on i.indrelid = t.oid and (i.indisprimary or i.indisunique)
       join pg_attribute a on a.attrelid = t.oid and a.attnum = i.indkey[0]`,
  )
  assert.ok(keys.length >= 14)
  assert.deepEqual(
    keys.filter(({ first }) => first !== 'company_id'),
    [],
  )
  const foreign = await rows(pools.owner, `select conname from pg_constraint where contype = 'f'`)
  assert.deepEqual(foreign, [])
})

test('every company table has a primary key and company_id of type uuid, not null', async (t) => {
  const { pools } = await testDatabase(t)
  const bad = await rows(
    pools.owner,
    `select t.relname from (${companyTables}) t
      where not exists (select 1 from pg_index i where i.indrelid = t.oid and i.indisprimary)
         or not exists (select 1 from pg_attribute a where a.attrelid = t.oid and a.attname = 'company_id'
                           and a.atttypid = 'uuid'::regtype and a.attnotnull)`,
  )
  assert.deepEqual(bad, [])
})

test('row level security is enabled and forced on every company table, with a policy for each role', async (t) => {
  const { pools } = await testDatabase(t)
  const tables = await rows<{
    relname: string
    relrowsecurity: boolean
    relforcerowsecurity: boolean
    policies: string[]
  }>(
    pools.owner,
    `select t.relname, t.relrowsecurity, t.relforcerowsecurity,
            array(select r.rolname::text from pg_policy p join pg_roles r on r.oid = any(p.polroles)
                   where p.polrelid = t.oid and p.polcmd = '*' and p.polwithcheck is not null order by 1) as policies
       from (${companyTables}) t where not t.relispartition`,
  )
  assert.ok(tables.length >= 14)
  for (const table of tables) {
    assert.deepEqual(
      { ...table, relname: '' },
      { relname: '', relrowsecurity: true, relforcerowsecurity: true, policies: ['daybook_api', 'daybook_engine'] },
      table.relname,
    )
  }
})

test('a partition cannot be reached but through its parent', async (t) => {
  const { pools } = await testDatabase(t)
  const open = await rows(
    pools.owner,
    `select t.relname from (${companyTables}) t
      where t.relispartition and (not t.relrowsecurity or not t.relforcerowsecurity
         or has_table_privilege('daybook_api', t.oid, 'select') or has_table_privilege('daybook_engine', t.oid, 'select'))`,
  )
  assert.deepEqual(open, [])
})

test('neither role owns anything, bypasses policies, or may change what was recorded', async (t) => {
  const { pools } = await testDatabase(t)
  const roles = await rows<{ rolsuper: boolean; rolbypassrls: boolean; owns: number }>(
    pools.owner,
    `select rolsuper, rolbypassrls, (select count(*)::int from pg_class where relowner = r.oid) as owns
       from pg_roles r where rolname in ('daybook_api', 'daybook_engine')`,
  )
  assert.deepEqual(roles, [
    { rolsuper: false, rolbypassrls: false, owns: 0 },
    { rolsuper: false, rolbypassrls: false, owns: 0 },
  ])
  const writable = await rows(
    pools.owner,
    `select t, r, p
       from unnest(array['event_logs', 'event_audit_trail', 'event_entities', 'webhook_logs',
                         'event_subscription_versions', 'custom_event_versions']) as t,
            unnest(array['daybook_api', 'daybook_engine']) as r,
            unnest(array['update', 'delete', 'truncate']) as p
      where has_table_privilege(r, t, p)`,
  )
  assert.deepEqual(writable, [])
})

test('[companies-apart] without a company the api role sees no row of any table', async (t) => {
  const { pools } = await testDatabase(t)
  const tables = await rows<{ relname: string }>(
    pools.owner,
    `select relname from (${companyTables}) t
      where not relispartition and has_table_privilege('daybook_api', oid, 'select')`,
  )
  assert.ok(tables.length >= 10)
  await rows(pools.engine, `insert into companies (id, name) values ('01900000-0000-7000-8000-000000000001', 'A')`)
  await rows(pools.engine, `insert into company_heads (company_id) values ('01900000-0000-7000-8000-000000000001')`)
  for (const relname of ['companies', 'company_heads', ...tables.map((table) => table.relname)]) {
    const found = await rows(pools.api, `select 1 from ${relname} limit 1`)
    assert.deepEqual(found, [], relname)
  }
  assert.equal((await rows(pools.engine, `select 1 from company_heads`)).length, 1)
})
