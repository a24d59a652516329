import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { asCompany } from '../../src/db/transaction.ts'
import { makeDefinition, orderSchema } from '../support/made-definitions.ts'
import { newEventName } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'
import { sql } from '../support/sql.ts'

const api = await startRouteTest()

const check = async (name: string, body: unknown) => await api.request('POST', `/events/schemas/${name}/check`, body)
const publish = async (event_name: string, payload: unknown): Promise<string> =>
  String((await api.request('POST', '/events', { event_name, payload })).body['id'])
const whole = orderSchema({ total: { type: 'integer' } })
const quiet = { checked: 0, failing: 0, complete: true, samples: [] }

describe('POST /events/schemas/{event_name}/check', () => {
  describe('200', () => {
    test('a schema that could be put is acceptable, and nothing is kept of it', async () => {
      const name = await makeDefinition(api, { compatibility: 'forward' })
      const { body } = await check(name, { schema: whole })
      assert.deepEqual(body, {
        acceptable: true,
        faults: [],
        compatibility: 'forward',
        incompatibilities: [],
        rehearsal: quiet,
      })
      assert.equal((await api.request('GET', `/events/schemas/${name}`)).body['version'], 1)
    })

    test('whom it would break is told, by the mode of the definition or another one', async () => {
      const name = await makeDefinition(api)
      const { body } = await check(name, { schema: whole })
      assert.equal(body['acceptable'], false)
      assert.partialDeepStrictEqual(body['incompatibilities'], [
        { version: 1, breaks: 'producers', pointer: '/properties/total/type', code: 'type' },
      ])
      assert.equal((await check(name, { schema: whole, compatibility: 'none' })).body['acceptable'], true)
    })

    test('the last events of the name are judged: how many fail, and samples without a byte of a payload', async () => {
      const name = await makeDefinition(api)
      const failing: string[] = []
      for (let index = 0; index < 12; index++) {
        failing.push(await publish(name, { order_id: 'canary', total: 0.5 }))
        await publish(name, { order_id: 'canary', total: 5 })
      }
      await api.node.route()
      const { body, text } = await check(name, { schema: whole, last: 20 })
      assert.partialDeepStrictEqual(body['rehearsal'], { checked: 20, failing: 10, complete: true })
      const { samples } = body['rehearsal'] as { readonly samples: readonly Record<string, unknown>[] }
      assert.deepEqual(
        samples.map((one) => one['event_id']),
        failing.toReversed().slice(0, 10),
      )
      assert.partialDeepStrictEqual(samples[0]?.['faults'], [{ pointer: '/total', code: 'type' }])
      assert.ok(!text.includes('canary'))
    })

    test('a name that has no definition can be tried against what was published undeclared', async () => {
      const name = newEventName()
      await publish(name, { order_id: 'o-1' })
      await publish(name, {})
      await api.node.route()
      const { body } = await check(name, { schema: orderSchema() })
      assert.partialDeepStrictEqual(body, { acceptable: true, rehearsal: { checked: 2, failing: 1 } })
      assert.partialDeepStrictEqual((await check(name, { schema: orderSchema(), last: 0 })).body, { rehearsal: quiet })
    })

    test('an event fails by what is no id of its entity, too', async () => {
      const name = newEventName()
      for (const order_id of ['o-1', '', 1.5]) await publish(name, { order_id })
      await api.node.route()
      const schema = { type: 'object', 'x-entity': { type: 'order', id: '/order_id' } }
      const { body } = await check(name, { schema })
      assert.partialDeepStrictEqual(body['rehearsal'], { checked: 3, failing: 2 })
      const { samples } = body['rehearsal'] as { readonly samples: readonly Record<string, unknown>[] }
      assert.partialDeepStrictEqual(samples[0]?.['faults'], [{ pointer: '/order_id', code: 'entity_id' }])
    })

    test('a key that cannot read events has a schema tried, and no event judged', async () => {
      const name = await makeDefinition(api)
      await publish(name, { order_id: 'o-1', total: 0.5 })
      await api.node.route()
      const key = await api.keyWith('definitions:write')
      const path = `/events/schemas/${name}/check`
      const { body } = await api.request('POST', path, { schema: whole }, { key })
      assert.partialDeepStrictEqual(body, { acceptable: false, rehearsal: quiet })
      const zero = await api.request('POST', path, { schema: whole, last: 0 }, { key })
      assert.partialDeepStrictEqual(zero.body, { rehearsal: quiet })
    })

    test('without room for one more definition nothing new is acceptable, and what changes no schema is', async () => {
      const { id, key } = await api.newCompany('Full of definitions')
      const name = await makeDefinition(api, {}, key)
      await asCompany(api.database.pools.api, id, async (db) => {
        const text = `insert into custom_events (company_id, event_name, status, compatibility, title, description, tags, first_version,
                latest_version, revision)
          select $1, 'full.n' || n, 'draft', 'none', 'n', '', '{}', 1, 1, 1 from generate_series(1, 1999) n`
        await sql(db, text, [id])
        await sql(db, 'update custom_events set first_version = -998 where company_id = $1 and event_name = $2', [
          id,
          name,
        ])
      })
      const faultsOf = async (tried: string, schema: unknown) => {
        const path = `/events/schemas/${tried}/check`
        const { body } = await api.request('POST', path, { schema, compatibility: 'none' }, { key })
        const faults = body['faults'] as readonly Record<string, unknown>[]
        assert.equal(body['acceptable'], faults.length === 0)
        return faults.map(({ code }) => code)
      }
      assert.deepEqual(await faultsOf('one.more', whole), ['definition_limit'])
      assert.deepEqual(await faultsOf(name, whole), ['definition_limit'], 'no version is left')
      assert.deepEqual(await faultsOf(name, orderSchema({ total: { type: 'number' } })), [])
    })

    test('what is no schema is told where, and what does not fit in the examples', async () => {
      const name = newEventName()
      const wrong = await check(name, { schema: { type: 'object', properties: { a: { type: 'text' } } } })
      assert.partialDeepStrictEqual(wrong.body, { acceptable: false, rehearsal: null })
      assert.notDeepEqual(wrong.body['faults'], [])
      const { body } = await check(name, { schema: orderSchema(), examples: [{}] })
      assert.partialDeepStrictEqual(body['faults'], [{ pointer: '/examples/0/order_id', code: 'required' }])
    })
  })

  describe('400', () => {
    test('more than the last 1,000 events are not judged', async () => {
      const answer = await check(newEventName(), { schema: orderSchema(), last: 1_001 })
      assert.deepEqual(refusalOf(answer), [400, 'invalid_request', '/last'])
    })
  })

  describe('403', () => {
    test('a key that cannot read events cannot have them judged', async () => {
      const key = await api.keyWith('definitions:write')
      const path = `/events/schemas/${newEventName()}/check`
      const answer = await api.request('POST', path, { schema: orderSchema(), last: 1 }, { key })
      assert.deepEqual(refusalOf(answer), [403, 'forbidden'])
    })
  })

  describe('404', () => {
    test('a name longer than any can be leads nowhere', async () => {
      const answer = await check('x'.repeat(300), { schema: orderSchema() })
      assert.deepEqual(refusalOf(answer), [404, 'not_found'])
    })
  })

  describe('409', () => {
    test('nothing is tried on a standard definition', async () => {
      assert.deepEqual(refusalOf(await check('call.created', { schema: true })), [409, 'standard_definition'])
    })
  })

  describe('422', () => {
    test('a name that is none or reserved is refused', async () => {
      const answer = await check('Order', { schema: orderSchema() })
      assert.deepEqual(refusalOf(answer), [422, 'invalid_event_name', '/event_name'])
      const reserved = await check('daybook.order', { schema: orderSchema() })
      assert.deepEqual(refusalOf(reserved), [422, 'reserved_event_name', '/event_name'])
    })
  })
})
