import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Statement } from '../../src/db/statement.ts'
import { registeredStatements } from '../../src/db/statement.ts'
import { testDatabase } from '../support/database.ts'
import { sourceFiles } from './source-files.ts'

const threads = ['worker/engine-thread.ts', 'events/schema-judge-thread.ts', 'events/import/document-thread.ts']

for (const file of sourceFiles()) {
  if (threads.some((name) => file.endsWith(name))) continue // run in a thread only; what they import is listed too
  if (/src\/(db|vault|events|webhooks|identity|worker|audit)\//.test(file)) await import(`../../../${file}`)
}
const statements = registeredStatements()

test('every statement prepares against the migrated schema', async (t) => {
  const { pools } = await testDatabase(t)
  assert.ok(statements.length > 40)
  for (const { name, text } of statements) {
    if (text.startsWith('lock table')) continue // cannot be prepared
    const query = { name: '', text: `prepare "${name}" as ${text}`, values: [] }
    await assert.doesNotReject(pools.owner.query(query), `${name} does not prepare`)
  }
})

/** What can be read from the text of the rules for statements (docs/adr/0003). */
function faults({ name, text }: Statement): string[] {
  const found: string[] = []
  const fault = (what: string): void => void found.push(`${name} ${what}`)
  if (namesCompanyTable.test(text) && !text.includes('company_id')) fault('names a company table without company_id')
  if (/\bdo update\s+set\b.*\bnow\(\)/s.test(text)) fault('uses now() in on conflict do update')
  if (/(?<!for )\bupdate\b/.test(text) && /\b(gen_random_uuid|random|clock_timestamp)\(\)/.test(text)) {
    fault('uses a volatile function in an update')
  }
  if (/\b(ctid|xmin|xmax|tableoid|txid_current|pg_advisory_\w+|notify)\b/.test(text)) fault('works on one server only')
  if (/[A-Z]{3,}/.test(text.replace(/'[^']*'/g, ''))) fault('is not in lower case')
  return found
}

const namesCompanyTable =
  /\b(company_heads|company_keys|custom_\w+|event_\w+|publish_keys|subscription_\w+|webhook_deliveries|webhook_logs|fan_outs|api_keys|jobs|attempt_journal|stats_heads|delivery_stats)\b/

test('every statement keeps the rules for statements', () => {
  assert.deepEqual(statements.flatMap(faults), [])
})

test('a statement that breaks a rule is seen', () => {
  const count = (text: string): number => faults({ name: 'x', text }).length
  assert.equal(count('select id from event_logs where id = $1'), 1)
  assert.equal(count('SELECT id from companies'), 1)
  assert.equal(count('insert into leases (name) values ($1) on conflict (name) do update set expires_at = now()'), 1)
  assert.equal(count('update api_keys set name = gen_random_uuid() where company_id = $1'), 1)
  assert.equal(count('select ctid from companies'), 1)
  assert.equal(count('select id from api_keys where company_id = $1'), 0)
})
