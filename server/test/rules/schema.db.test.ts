import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { migrate } from '../../src/db/migrate.ts'
import { asAdministrator, testDatabase, withDatabase } from '../support/database.ts'
import { schemaText } from '../support/schema-text.ts'

const committed = new URL('../../../docs/schema.txt', import.meta.url)

/** `DAYBOOK_UPDATE=1 npm test -- rules/schema` writes the file anew. */
test('the committed schema is what the migrations make', async (t) => {
  const { pools } = await testDatabase(t)
  const text = await schemaText(pools.owner)
  if (process.env['DAYBOOK_UPDATE']) await writeFile(committed, text)
  assert.equal(text, await readFile(committed, 'utf8'))
})

test('eight starters at once migrate an empty database once', async (t) => {
  const name = `m_${process.pid}`
  await asAdministrator(async (run) => await run(`create database ${name}`))
  t.after(async () => await asAdministrator(async (run) => await run(`drop database ${name} with (force)`)))
  const ran = await Promise.all(Array.from({ length: 8 }, async () => await migrate(withDatabase(name), () => {})))
  assert.equal(ran.flat().filter((one) => one === '0001_spine').length, 1)
  assert.deepEqual(await migrate(withDatabase(name), () => {}), [])
})

test('a migration that fails leaves nothing half, and runs whole once it is mended', async (t) => {
  const name = `f_${process.pid}`
  await asAdministrator(async (run) => await run(`create database ${name}`))
  t.after(async () => await asAdministrator(async (run) => await run(`drop database ${name} with (force)`)))
  const directory = await mkdtemp(join(tmpdir(), 'daybook-migrations-'))
  t.after(async () => await rm(directory, { recursive: true }))
  const step = join(directory, '0001_two_steps.sql')
  const run = async (): Promise<readonly string[]> => await migrate(withDatabase(name), () => {}, directory)

  await writeFile(step, '-- Up Migration\ncreate table first_half (id int);\nselect 1 / 0;\n')
  await assert.rejects(run(), /division by zero/)
  await writeFile(step, '-- Up Migration\ncreate table first_half (id int);\nselect 1 / 1;\n')
  assert.deepEqual(await run(), ['0001_two_steps'])
})

test('a database in another encoding is refused with a reason', async (t) => {
  const name = `l_${process.pid}`
  const create = `create database ${name} template template0 encoding 'LATIN1' locale_provider libc locale 'C'`
  await asAdministrator(async (run) => await run(create))
  t.after(async () => await asAdministrator(async (run) => await run(`drop database ${name} with (force)`)))
  await assert.rejects(
    migrate(withDatabase(name), () => {}),
    /UTF8, this one is in LATIN1/,
  )
})
