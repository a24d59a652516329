import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeDefinition, orderSchema } from '../support/made-definitions.ts'
import { newEventName } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

const path = '/events/schemas'
const least = () => ({ event_name: newEventName(), schema: orderSchema() })

describe('POST /events/schemas', () => {
  describe('201', () => {
    test('the least that can be said gives a draft that is checked against all versions', async () => {
      const body = least()
      const answer = await api.request('POST', path, body)
      assert.equal(answer.status, 201)
      assert.match(answer.headers.get('etag') ?? '', /^"\d+"$/)
      assert.partialDeepStrictEqual(answer.body, {
        ...body,
        source: 'custom',
        status: 'draft',
        version: 1,
        title: body.event_name,
        description: '',
        owner: null,
        tags: [],
        compatibility: 'full_transitive',
        entity: { type: 'order', id: '/order_id' },
        related: [],
        personal: [],
        examples: [],
      })
    })

    test('the schema is kept byte for byte', async () => {
      const schema = '{ "type" : "object",\n  "properties": { "price": { "maximum": 1.50, "title": "Pr\\u00efce" } } }'
      const event_name = newEventName()
      const { text } = await api.request('POST', path, `{"event_name":"${event_name}", "schema" : ${schema} }`)
      assert.ok(text.endsWith(`,"schema":${schema}}`))
      assert.equal((await api.request('GET', `${path}/${event_name}`)).text, text)
    })

    test('what is given is kept, and events are judged by it from then on', async () => {
      const given = {
        title: 'Order placed',
        description: 'When a basket is paid',
        owner: 'Sales',
        tags: ['shop', 'orders'],
        compatibility: 'backward',
        status: 'active',
        examples: [{ order_id: 'o-1' }],
      }
      const event = least()
      const { body } = await api.request('POST', path, { ...event, ...given })
      assert.partialDeepStrictEqual(body, given)
      const publish = async (payload: object) =>
        await api.request('POST', '/events', { event_name: event.event_name, payload })
      assert.equal((await publish({ order_id: 'o-1' })).status, 201)
      assert.deepEqual(refusalOf(await publish({})), [422, 'schema_violation', '/payload/order_id'])
    })
  })

  describe('400', () => {
    test('members that lack, are not known or have another form are all named', async () => {
      const body = { event_name: 'order.placed', status: 'archived', tags: ['No Tag'], shema: {} }
      const answer = await api.request('POST', path, body)
      assert.deepEqual(refusalOf(answer), [400, 'invalid_request', '/schema', '/shema', '/status', '/tags/0'])
    })
  })

  describe('409', () => {
    test('a name that is defined, by the company or by Daybook, cannot be defined again', async () => {
      const event_name = await makeDefinition(api)
      for (const name of [event_name, 'appointment.created']) {
        const answer = await api.request('POST', path, { ...least(), event_name: name })
        assert.deepEqual(refusalOf(answer), [409, 'definition_exists', '/event_name'], name)
      }
    })

    test('another company can define the same name in its own way', async () => {
      const event_name = await makeDefinition(api)
      const { key } = await api.newCompany('Neighbour', {})
      const schema = { type: 'string' }
      assert.equal((await api.request('POST', path, { event_name, schema }, { key })).status, 201)
      assert.deepEqual(
        (await api.request('GET', `${path}/${event_name}`)).body['schema'],
        orderSchema({ total: { type: 'number' } }),
      )
    })
  })

  describe('422', () => {
    test('a name that is none or reserved is refused', async () => {
      const codes = { 'Order placed': 'invalid_event_name', 'daybook.order': 'reserved_event_name' }
      for (const [event_name, code] of Object.entries(codes)) {
        const answer = await api.request('POST', path, { ...least(), event_name })
        assert.deepEqual(refusalOf(answer), [422, code, '/event_name'])
      }
    })

    test('every example that does not fit is named, and nothing is kept', async () => {
      const body = { ...least(), examples: [{ order_id: 'o-1' }, {}, { order_id: 7 }] }
      const answer = await api.request('POST', path, body)
      assert.deepEqual(refusalOf(answer), [422, 'invalid_definition', '/examples/1/order_id', '/examples/2/order_id'])
      assert.equal((await api.request('GET', `${path}/${body.event_name}`)).status, 404)
    })

    test('a schema that refers elsewhere or is none is refused, and nothing is fetched', async () => {
      for (const schema of [{ $ref: 'https://example.com/schema.json' }, { type: 'text' }, 'a text', []]) {
        const answer = await api.request('POST', path, { ...least(), schema })
        assert.deepEqual(refusalOf(answer).slice(0, 2), [422, 'invalid_definition'], JSON.stringify(schema))
      }
    })

    test('a schema that no payload was found for is refused until an example shows one', async () => {
      const body = {
        ...least(),
        schema: { type: 'string', allOf: [{ pattern: '^a' }, { pattern: 'q' }, { pattern: 'z$' }] },
      }
      assert.deepEqual(refusalOf(await api.request('POST', path, body)), [422, 'invalid_definition', '/examples'])
      assert.equal((await api.request('POST', path, { ...body, examples: ['a q z'] })).status, 201)
    })
  })
})
