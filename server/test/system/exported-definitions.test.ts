import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ImportReport } from '../../src/cli/schemas/import-files.ts'
import { runCommandLine } from '../../src/cli/test-terminal.ts'
import { startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

const files = {
  'orders.yaml': `
openapi: 3.0.3
info: { title: Orders, version: '1' }
x-webhooks:
  orderPlaced:
    post:
      summary: Order placed
      tags: [Orders]
      requestBody:
        content:
          application/json:
            schema: { $ref: '#/components/schemas/Order' }
            example: { order_id: o-1, note: null, total: 1.5 }
components:
  schemas:
    Order:
      type: object
      required: [order_id]
      x-entity: { type: order, id: /order_id }
      properties:
        order_id: { type: string, minLength: 1 }
        note: { type: string, nullable: true }
        total: { $ref: '#/components/schemas/Amount' }
    Amount: { type: number, minimum: 0, exclusiveMinimum: true }
`,
  'stock.json': JSON.stringify({
    asyncapi: '2.6.0',
    channels: {
      stock: { publish: { message: { name: 'stockCounted', payload: { type: 'object', maxProperties: 9 } } } },
    },
  }),
  'visit.json':
    '{"event_name":"visit.ended","status":"draft","compatibility":"forward","owner":"desk","schema":{"maximum":1.50,"type":"number"}}',
}

test('what was exported is unchanged when it is imported, and the same in another company', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-definitions-'))
  t.after(async () => await rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const exported = join(folder, 'exported')
  const run = async (key: string, ...args: readonly string[]) => {
    const env = { DAYBOOK_URL: api.url, DAYBOOK_API_KEY: key }
    const { exitCode, stdout, stderr } = await runCommandLine(['schemas', ...args, '--json'], env)
    assert.deepEqual([exitCode, stderr], [0, ''])
    return stdout
  }
  const outcomesOf = async (key: string, ...args: readonly string[]) => {
    const { applied, definitions } = JSON.parse(await run(key, 'import', ...args)) as ImportReport
    return [applied, definitions.map(({ event_name, outcome }) => `${event_name} ${outcome}`)]
  }
  const names = ['order.placed', 'stock.counted', 'visit.ended']
  const all = (outcome: string): readonly string[] => names.map((name) => `${name} ${outcome}`)

  assert.deepEqual(await outcomesOf(api.key, folder, '--apply'), [true, all('create')])
  assert.deepEqual(JSON.parse(await run(api.key, 'export', exported)), { folder: exported, event_names: names })
  assert.deepEqual(await outcomesOf(api.key, exported), [false, all('unchanged')])
  assert.deepEqual(await outcomesOf(api.key, folder), [false, all('unchanged')])

  const other = await api.newCompany('Other')
  assert.deepEqual(await outcomesOf(other.key, exported, '--apply'), [true, all('create')])
  const again = join(folder, 'again')
  await run(other.key, 'export', again)
  assert.deepEqual(await outcomesOf(api.key, again), [false, all('unchanged')])

  await outcomesOf(api.key, folder, '--apply', '--status', 'active')
  const published = await api.request('POST', '/events', {
    event_name: 'order.placed',
    payload: { order_id: 'o-9', total: 0 },
  })
  assert.equal(published.body['code'], 'schema_violation')
  const fits = await api.request('POST', '/events', {
    event_name: 'order.placed',
    payload: { order_id: 'o-9', note: null },
  })
  const { body } = await api.request('GET', `/events/${String(fits.body['id'])}`)
  assert.deepEqual([body['entity_type'], body['entity_id']], ['order', 'o-9'])
})
