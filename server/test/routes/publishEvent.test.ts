import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

const path = '/events'
const event = { event_name: 'order.placed', payload: { total: 7 } }

describe('POST /events', () => {
  describe('201', () => {
    test('what is answered is recorded: it can be read at once, with the same bytes', async () => {
      const payload = '{ "price": 1.0, "big": 12345678901234567890 }'
      const published = await api.request('POST', path, `{"event_name":"order.placed","payload":${payload}}`)
      assert.deepEqual([published.status, published.body['replayed']], [201, false])
      const read = await api.request('GET', `/events/${String(published.body['id'])}`)
      assert.ok(read.text.includes(`"payload":${payload}`))
    })

    test('every member is kept, and ids that are numbers are text', async () => {
      const given = {
        ...event,
        id: newId(),
        entity_type: 'order',
        entity_id: 123,
        related: [{ type: 'customer', id: 7 }],
        occurred_at: '2026-03-01T09:30:00+01:00',
        actor: { type: 'user', id: 'u-1', name: 'Ann' },
        source: 'shop',
        correlation_id: 'k-1',
        causation_id: 'k-0',
      }
      assert.equal((await api.request('POST', path, given)).body['id'], given.id)
      const { body } = await api.request('GET', `/events/${given.id}`)
      const kept = { ...given, entity_id: '123', related: [{ type: 'customer', id: '7' }] }
      for (const [name, value] of Object.entries({ ...kept, occurred_at: '2026-03-01T08:30:00.000Z' })) {
        assert.deepEqual(body[name], value, name)
      }
    })

    test('the actor of an event that names none is the key', async () => {
      const { body } = await api.request('POST', path, event)
      const { actor } = (await api.request('GET', `/events/${String(body['id'])}`)).body as { actor: { type: string } }
      assert.equal(actor.type, 'api_key')
    })

    test('a declared event takes its entity from the payload', async () => {
      const definition = (await api.request('GET', '/events/schemas/appointment.created')).body
      const [payload] = definition['examples'] as readonly Readonly<Record<string, unknown>>[]
      const { body } = await api.request('POST', path, { event_name: 'appointment.created', payload })
      const read = (await api.request('GET', `/events/${String(body['id'])}`)).body
      assert.equal(read['entity_type'], 'appointment')
      assert.equal(read['definition_version'], definition['version'])
    })
  })

  describe('200', () => {
    test('a publish that is repeated is answered like the first and records nothing', async () => {
      const keyed = { ...event, idempotency_key: newId() }
      const first = await api.request('POST', path, keyed)
      const again = await api.request('POST', path, keyed)
      assert.deepEqual([again.status, again.headers.get('idempotent-replayed')], [200, 'true'])
      assert.deepEqual(again.body, { ...first.body, replayed: true })
      assert.equal(first.headers.get('idempotent-replayed'), null)
    })

    test('the key may stand in the header idempotency-key', async () => {
      const key = newId()
      const first = await api.request('POST', path, { ...event, idempotency_key: key })
      const again = await api.request('POST', path, event, { headers: { 'idempotency-key': key } })
      assert.deepEqual([again.status, again.body['id']], [200, first.body['id']])
    })
  })

  describe('400', () => {
    test('every member of a wrong form is named', async () => {
      const body = { event_name: 7, entity_id: 1.5, source: '', colour: 'red' }
      const [status, code, ...pointers] = refusalOf(await api.request('POST', path, body))
      assert.deepEqual([status, code], [400, 'invalid_request'])
      assert.deepEqual(new Set(pointers), new Set(['/colour', '/entity_id', '/event_name', '/payload', '/source']))
    })

    test('what is not strict JSON is refused by code', async () => {
      for (const [body, code] of [
        ['{"event_name":', 'malformed_json'],
        ['{"payload":{"a":1,"a":2}}', 'duplicate_key'],
        ['['.repeat(65) + ']'.repeat(65), 'nesting_too_deep'],
        [String.raw`{"payload":"\u0000"}`, 'unstorable_text'],
        ['[]', 'invalid_request'],
      ] as const) {
        assert.deepEqual(refusalOf(await api.request('POST', path, body)).slice(0, 2), [400, code], body.slice(0, 20))
      }
    })

    test('a header idempotency-key that differs from the member', async () => {
      const answer = await api.request(
        'POST',
        path,
        { ...event, idempotency_key: 'a' },
        { headers: { 'idempotency-key': 'b' } },
      )
      assert.deepEqual(refusalOf(answer), [400, 'invalid_request', '/idempotency_key'])
    })
  })

  describe('409', () => {
    test('the same id or key with other content is refused, and the first stays', async () => {
      const first = { ...event, id: newId(), idempotency_key: newId() }
      await api.request('POST', path, first)
      const other = { ...event, payload: { total: 8 } }
      const byId = await api.request('POST', path, { ...other, id: first.id })
      assert.deepEqual(refusalOf(byId), [409, 'idempotency_conflict', '/id'])
      const byKey = await api.request('POST', path, { ...other, idempotency_key: first.idempotency_key })
      assert.deepEqual(refusalOf(byKey), [409, 'idempotency_conflict', '/idempotency_key'])
      assert.deepEqual((await api.request('GET', `/events/${first.id}`)).body['payload'], event.payload)
    })
  })

  describe('413', () => {
    test('a payload of 256 KiB is taken, one byte more is not', async () => {
      const payload = 'x'.repeat(262_142) // with its quotes
      assert.equal((await api.request('POST', path, { ...event, payload })).status, 201)
      const larger = await api.request('POST', path, { ...event, payload: `${payload}x` })
      assert.deepEqual(refusalOf(larger), [413, 'payload_too_large', '/payload'])
    })
  })

  describe('422', () => {
    for (const [what, members, refusal] of [
      ['a name that is none', { event_name: 'Order Placed' }, ['invalid_event_name', '/event_name']],
      ['a reserved name', { event_name: 'daybook.order.placed' }, ['reserved_event_name', '/event_name']],
      ['an id that is no UUIDv7', { id: randomUUID() }, ['invalid_event_id', '/id']],
      ['a time without an offset', { occurred_at: '2026-03-01T09:30:00' }, ['invalid_time', '/occurred_at']],
      ['half an entity', { entity_type: 'order' }, ['invalid_entity', '/entity_id']],
      [
        '17 related entities',
        { related: Array.from({ length: 17 }, (_, id) => ({ type: 'a', id })) },
        ['too_many_related', '/related'],
      ],
    ] as const) {
      test(`${what} is ${refusal[0]}`, async () => {
        assert.deepEqual(refusalOf(await api.request('POST', path, { ...event, ...members })), [422, ...refusal])
      })
    }

    test('a payload that does not fit its definition is told all its faults', async () => {
      const answer = await api.request('POST', path, { event_name: 'appointment.created', payload: {} })
      const [status, code, ...pointers] = refusalOf(answer)
      assert.deepEqual([status, code], [422, 'schema_violation'])
      assert.ok(pointers.length > 1 && pointers.every((one) => String(one).startsWith('/payload/')))
    })

    test('a name without a definition is refused where only declared ones are taken, and the nearest is named', async () => {
      const { key } = await api.newCompany('Strict', { allow_undeclared_events: false })
      const answer = await api.request('POST', path, { event_name: 'apointment.created', payload: {} }, { key })
      assert.deepEqual(refusalOf(answer), [422, 'unknown_event_name', '/event_name'])
      assert.match(String(answer.body['detail']), /appointment\.created/)
    })
  })
})
