import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { variables } from '../../src/cli/config.ts'
import { call } from '../support/api.ts'
import { startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'

const root = new URL('../../../', import.meta.url)

test('docs/openapi.json is what a running server serves, but for where it is served', async (t) => {
  const database = await testDatabase(t)
  const { url } = await startDaybook(t, { DATABASE_URL: database.url })
  const { servers: _ours, ...served } = (await call(url, 'GET', '/openapi.json')).body
  const committed: Record<string, unknown> = JSON.parse(await readFile(new URL('docs/openapi.json', root), 'utf8'))
  const { servers: _theirs, ...documented } = committed
  assert.deepEqual(served, documented)
})

test('the table of variables in the README is the list that the program reads', async () => {
  const readme = await readFile(new URL('README.md', root), 'utf8')
  const [, table = ''] = /^\| Variable \|.*\n\|[ |-]+\n((?:\|.*\n)+)/m.exec(readme) ?? []
  const rows = [...table.matchAll(/^\| `(\w+)` +\| (.*?) +\|$/gm)].map(([, name, text]) => [name, text])
  assert.deepEqual(rows, Object.entries(variables))
})
