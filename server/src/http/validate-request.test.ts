import assert from 'node:assert/strict'
import test from 'node:test'
import { bearer, buildTestApp } from './test-app.ts'

const headers = bearer('*')

test('numbers, booleans and lists in a query are read from text, and faults name the parameter', async (t) => {
  const asked: unknown[] = []
  const answerQuery = ({ name, values }: { name: string; values: readonly unknown[] }) => {
    if (name === 'subscription.list') asked.push(values.at(-1))
    return []
  }
  const { app } = await buildTestApp(t, { answerQuery })
  await app.inject({ url: '/api/v1/events/subscriptions?limit=7', headers })
  await app.inject({ url: '/api/v1/events/subscriptions', headers })
  assert.deepEqual(asked, [8, 51])
  assert.equal(
    (await app.inject({ url: '/api/v1/events?include_related=true&event_names=a.b&event_names=c.*,d', headers }))
      .statusCode,
    200,
  )
  for (const [query, pointer, code] of [
    ['limit=0', '/limit', 'minimum'],
    ['limit=201', '/limit', 'maximum'],
    ['limit=many', '/limit', 'type'],
    ['limit=1.5', '/limit', 'type'],
    ['limit=', '/limit', 'type'],
    ['include_related=perhaps', '/include_related', 'type'],
    ['order=up', '/order', 'enum'],
    ['evnt_name=a', '/evnt_name', 'additionalProperties'],
    ['__proto__=a', '/__proto__', 'additionalProperties'],
    ['from=yesterday', '/from', 'invalid_time'],
    ['to=2026-01-01', '/to', 'invalid_time'],
    ['entity_type=a', '/entity_id', 'invalid_entity'],
    ['actor_id=1', '/actor_type', 'invalid_entity'],
  ]) {
    const response = await app.inject({ url: `/api/v1/events?${query}`, headers })
    assert.ok([400, 422].includes(response.statusCode), query)
    assert.deepEqual(
      response.json().errors.map((one: { pointer: string; code: string }) => [one.pointer, one.code]),
      [[pointer, code]],
      query,
    )
  }
})

test('a cursor of another list is invalid_cursor', async (t) => {
  const { app } = await buildTestApp(t)
  for (const url of ['/events', '/events/subscriptions', '/events/deliveries', '/events/webhook-logs', '/api-keys']) {
    const response = await app.inject({ url: `/api/v1${url}?cursor=bm9uZQ`, headers })
    assert.deepEqual([response.statusCode, response.json().code], [400, 'invalid_cursor'], url)
  }
})

test('an id to filter by that is no UUID is a fault of the query', async (t) => {
  const { app } = await buildTestApp(t)
  const response = await app.inject({ url: '/api/v1/events/deliveries?event_id=5', headers })
  assert.deepEqual([response.statusCode, response.json().errors[0].pointer], [400, '/event_id'])
})

test('a huge faulty body is answered soon, with its first fault', async (t) => {
  const { app } = await buildTestApp(t)
  const event = `{${Array.from({ length: 400_000 }, (_, index) => `"k${index}":1`).join(',')}}`
  const began = performance.now()
  const response = await app.inject({
    method: 'POST',
    url: '/api/v1/events/batch',
    headers: { ...headers, 'content-type': 'application/json' },
    payload: `{"events":[${event}]}`,
  })
  assert.equal(response.statusCode, 400)
  assert.equal(response.json().errors.length, 1)
  assert.ok(performance.now() - began < 5_000)
})

test('at most 50 faults are listed', async (t) => {
  const { app } = await buildTestApp(t)
  const payload = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`k${index}`, 1]))
  const response = await app.inject({ method: 'POST', url: '/api/v1/events/subscriptions', headers, payload })
  assert.equal(response.json().errors.length, 50)
})

test('a change of a subscription that changes nothing, or is unknown, is refused', async (t) => {
  const { app } = await buildTestApp(t)
  const url = '/api/v1/events/subscriptions/01890000-0000-7000-8000-0000000000aa'
  for (const [payload, code] of [
    [{}, 'minProperties'],
    [{ secret: 'whsec_x' }, 'additionalProperties'],
    [{ status: 'active' }, 'additionalProperties'],
    [{ active: 'true' }, 'type'],
    [{ concurrency: 0 }, 'minimum'],
  ] as const) {
    const response = await app.inject({ method: 'PATCH', url, headers, payload })
    assert.deepEqual([response.statusCode, response.json().errors[0].code], [400, code])
  }
})
