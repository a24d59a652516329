import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSetAside } from '../../src/events/set-aside.ts'
import { newId } from '../../src/lib/ids.ts'
import { runDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import { sql, sqlValue } from '../support/sql.ts'

test('an event that is named and not set aside is an error that names it, and nothing is put back', async (t) => {
  const { url, pools } = await testDatabase(t)
  const [company, there, absent] = [newId(), newId(), newId()]
  await sql(
    pools.engine,
    `insert into events_set_aside (company_id, seq, event_id, reason) values ($1, 1, $2, 'payload_gone')`,
    [company, there],
  )
  const putBack = async (...ids: string[]) => await runDaybook(['set-aside', 'put-back', ...ids], { DATABASE_URL: url })
  for (const wrong of [absent, 'no-id']) {
    const { exitCode, stdout, stderr } = await putBack(there, wrong)
    assert.deepEqual([exitCode, stdout], [1, ''])
    assert.match(stderr, new RegExp(`Not set aside, so nothing was put back: ${wrong}\\n`))
  }
  assert.equal(await sqlValue(pools.engine, 'select count(*) from events_set_aside'), 1)
  const { exitCode, stdout } = await putBack(there)
  assert.deepEqual([exitCode, stdout], [0, 'Put back: 1\n'])
})

test('without names all of them are put back, however many pages they are', async (t) => {
  const { url, pools } = await testDatabase(t)
  await sql(
    pools.engine,
    `insert into events_set_aside (company_id, seq, event_id, reason)
     select company_id, n, gen_random_uuid(), 'payload_gone'
       from generate_series(1, 8001) n cross join unnest(array[$1, $2, $3]::uuid[]) company_id`,
    [newId(), newId(), newId()],
  )
  const inPages = await readSetAside(pools.engine, 1_000)
  assert.equal(new Set(inPages.map(({ event_id }) => event_id)).size, 24_003)
  const { exitCode, stdout } = await runDaybook(['set-aside', 'put-back', '--json'], { DATABASE_URL: url })
  assert.deepEqual([exitCode, JSON.parse(stdout)], [0, { put_back: 24_003 }])
  assert.equal(await sqlValue(pools.engine, 'select count(*) from events_set_aside'), 0)
  assert.equal(await sqlValue(pools.engine, 'select count(*) from event_outbox'), 24_003)
})

test('where there is no database it says so and makes none', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'daybook-set-aside-'))
  t.after(async () => await rm(directory, { recursive: true, force: true }))
  const { exitCode, stderr } = await runDaybook(['set-aside', 'list'], { DAYBOOK_DATA_DIR: directory })
  assert.equal(exitCode, 1)
  assert.match(stderr, /There is no database in .* yet/)
  assert.deepEqual(await readdir(directory), [])
})
