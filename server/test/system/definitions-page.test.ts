import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const page = readFileSync(new URL('../../../docs/definitions.md', import.meta.url), 'utf8')
const blocks = new Map(
  [...page.matchAll(/```json (\w+ \w+)\n([\s\S]*?)```/g)].map(([, title = '', text = '']) => [title, text]),
)

const api = await startRouteTest()

const at = '/events/schemas/order.placed'
const send = async (method: string, path: string, title: string) => await api.request(method, path, blocks.get(title))
const publish = async (title: string) =>
  await api.request('POST', '/events', `{"event_name":"order.placed","payload":${blocks.get(title)}}`)

test('every example of docs/definitions.md has the outcome that stands there', async () => {
  const created = await send('POST', '/events/schemas', 'request create')
  assert.equal(created.status, 201, created.text)
  assert.deepEqual(created.body['personal'], [
    { pointer: '/customer/email', category: 'contact', subject: '/customer/id' },
  ])
  assert.equal((await publish('payload accepted')).status, 201)
  assert.deepEqual(refusalOf(await publish('payload refused')), [
    422,
    'schema_violation',
    '/payload/order_id',
    '/payload/total',
    '/payload/customer/id',
  ])
  await api.node.route()
  const checked = await send('POST', `${at}/check`, 'request check')
  assert.partialDeepStrictEqual(checked.body, { acceptable: false, rehearsal: { checked: 1, failing: 1 } })
  const changed = await send('PUT', at, 'request change')
  assert.deepEqual([changed.status, changed.body['version']], [200, 1])
  assert.deepEqual(refusalOf(await send('PUT', at, 'request incompatible')).slice(0, 2), [409, 'incompatible_schema'])
  const forced = await send('PUT', at, 'request forced')
  assert.deepEqual([forced.status, forced.body['version'], forced.body['compatibility']], [200, 2, 'none'], forced.text)
})

test('docs/definitions.md has no example but those that are tried', () => {
  assert.equal(page.match(/```json/g)?.length, blocks.size)
  const tried = ['create', 'accepted', 'refused', 'change', 'incompatible', 'forced', 'check']
  assert.deepEqual(
    [...blocks.keys()].map((title) => title.split(' ')[1]),
    tried,
  )
})
