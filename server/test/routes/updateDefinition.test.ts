import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeDefinition, orderSchema } from '../support/made-definitions.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

const put = async (name: string, body: unknown, headers?: Record<string, string>) =>
  await api.request('PUT', `/events/schemas/${name}`, body, headers && { headers })
const publish = async (event_name: string, payload: unknown) =>
  await api.request('POST', '/events', { event_name, payload })

const numberOrText = orderSchema({ total: { type: ['number', 'string'] } })
const whole = orderSchema({ total: { type: 'integer' } })

describe('PUT /events/schemas/{event_name}', () => {
  describe('200', () => {
    test('what is absent stays, and what is given is there', async () => {
      const name = await makeDefinition(api, { title: 'An order', tags: ['a'] })
      const { body } = await put(name, { description: 'When it is paid', owner: 'Sales' })
      assert.partialDeepStrictEqual(body, {
        title: 'An order',
        tags: ['a'],
        description: 'When it is paid',
        owner: 'Sales',
        version: 1,
      })
      assert.equal((await put(name, { owner: null })).body['owner'], null)
    })

    test('an equal schema is no new version; another one is, and events are judged by it at once', async () => {
      const name = await makeDefinition(api, { compatibility: 'backward' })
      assert.equal((await put(name, { schema: orderSchema({ total: { type: 'number' } }) })).body['version'], 1)
      assert.equal((await publish(name, { order_id: 'o-1', total: '7' })).status, 422)
      assert.equal((await put(name, { schema: numberOrText })).body['version'], 2)
      assert.equal((await publish(name, { order_id: 'o-1', total: '7' })).status, 201)
    })

    test('a change that changes nothing forgets nothing and wakes nobody', async (t) => {
      const name = await makeDefinition(api)
      const { mock } = t.mock.method(api.parts.definitions, 'changed')
      await put(name, { title: name, schema: orderSchema({ total: { type: 'number' } }) })
      assert.equal(mock.callCount(), 0)
      await put(name, { title: 'Another' })
      assert.equal(mock.callCount(), 1)
    })

    test('with the compatibility none in the same request anything may change', async () => {
      const name = await makeDefinition(api)
      const { body } = await put(name, { schema: { type: 'string' }, compatibility: 'none' })
      assert.deepEqual([body['version'], body['compatibility'], body['entity']], [2, 'none', null])
    })

    test('an active definition judges, a deprecated one warns, an archived one refuses', async () => {
      const name = await makeDefinition(api, { status: 'draft' })
      assert.equal((await publish(name, {})).status, 201, 'the company takes undeclared events')
      await put(name, { status: 'active' })
      assert.deepEqual(refusalOf(await publish(name, {})), [422, 'schema_violation', '/payload/order_id'])
      assert.equal((await publish(name, { order_id: 'o-1' })).body['warnings'], undefined)
      await put(name, { status: 'deprecated' })
      const { status, body } = await publish(name, { order_id: 'o-1' })
      const message = `The definition of ${name} is deprecated`
      assert.deepEqual(
        [status, body['warnings']],
        [201, [{ pointer: '/event_name', code: 'definition_deprecated', message }]],
      )
      await put(name, { status: 'archived' })
      assert.deepEqual(refusalOf(await publish(name, { order_id: 'o-1' })), [422, 'definition_archived', '/event_name'])
    })

    test('the tag of the answer is the one that the next change has to name', async () => {
      const name = await makeDefinition(api)
      const tag = (await api.request('GET', `/events/schemas/${name}`)).headers.get('etag') ?? ''
      const changed = await put(name, { title: 'First' }, { 'if-match': tag })
      assert.equal(changed.status, 200)
      assert.notEqual(changed.headers.get('etag'), tag)
      assert.equal((await put(name, { title: 'Second' }, { 'if-match': '*' })).status, 200)
    })
  })

  describe('400', () => {
    test('an empty change and members that are not known are refused', async () => {
      const name = await makeDefinition(api)
      assert.deepEqual(refusalOf(await put(name, {})), [400, 'invalid_request', ''])
      assert.deepEqual(refusalOf(await put(name, { event_name: 'other' })), [400, 'invalid_request', '/event_name'])
    })
  })

  describe('404', () => {
    test('a name without a definition, and what is no name', async () => {
      for (const name of ['never.defined', 'No%20name', '__proto__']) {
        assert.deepEqual(refusalOf(await put(name, { title: 'x' })), [404, 'not_found'])
      }
    })
  })

  describe('409', () => {
    test('a standard definition cannot be changed', async () => {
      assert.deepEqual(refusalOf(await put('appointment.created', { title: 'x' })), [409, 'standard_definition'])
    })

    test('what breaks is listed with the version, for whom, and where', async () => {
      const name = await makeDefinition(api)
      const { body, ...answer } = await put(name, { schema: whole })
      assert.deepEqual([answer.status, body['code']], [409, 'incompatible_schema'])
      assert.partialDeepStrictEqual(body['errors'], [
        { version: 1, breaks: 'producers', pointer: '/properties/total/type', code: 'type' },
      ])
      const loose = await put(name, { schema: numberOrText })
      assert.partialDeepStrictEqual(loose.body['errors'], [{ version: 1, breaks: 'consumers' }])
    })

    test('what was in force cannot become a draft again', async () => {
      const name = await makeDefinition(api)
      assert.deepEqual(refusalOf(await put(name, { status: 'draft' })), [409, 'definition_transition', '/status'])
    })
  })

  describe('412', () => {
    test('a change of what was changed since it was read is refused', async () => {
      const name = await makeDefinition(api)
      const tag = (await api.request('GET', `/events/schemas/${name}`)).headers.get('etag') ?? ''
      await put(name, { title: 'Other' })
      assert.deepEqual(refusalOf(await put(name, { title: 'Mine' }, { 'if-match': tag })), [412, 'precondition_failed'])
      assert.equal((await api.request('GET', `/events/schemas/${name}`)).body['title'], 'Other')
    })
  })

  describe('422', () => {
    test('examples that do not fit the new schema are named', async () => {
      const name = await makeDefinition(api, { examples: [{ order_id: 'o-1', total: 1.5 }] })
      const answer = await put(name, { schema: whole, compatibility: 'none' })
      assert.deepEqual(refusalOf(answer), [422, 'invalid_definition', '/examples/0/total'])
      const fitting = [{ order_id: 'o-1', total: 2 }]
      assert.equal((await put(name, { schema: whole, compatibility: 'none', examples: fitting })).body['version'], 2)
    })
  })
})
