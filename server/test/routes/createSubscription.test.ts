import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ORDERED_MAX, SUBSCRIPTIONS_MAX } from '../../src/webhooks/subscriptions.ts'
import { makeSubscription } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'
import { sql } from '../support/sql.ts'

const api = await startRouteTest()

const path = '/events/subscriptions'
const least = { webhook_url: 'https://example.com/webhook', event_names: ['order.*'] }

describe('POST /events/subscriptions', () => {
  describe('201', () => {
    test('the least that can be said gives an active subscription and its secret', async () => {
      const { status, body } = await api.request('POST', path, least)
      assert.equal(status, 201)
      assert.deepEqual({ webhook_url: body['webhook_url'], event_names: body['event_names'] }, least)
      assert.deepEqual([body['status'], body['active'], body['held_from_position']], ['active', true, null])
      assert.match(String(body['secret']), /^whsec_[A-Za-z0-9+/]{32,}=*$/)
    })

    test('what is given is kept, the secret too', async () => {
      const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`
      const given = { ...least, description: 'Orders', concurrency: 3, timeout_ms: 2_000, rate_limit: 50 }
      const { body } = await api.request('POST', path, { ...given, secret })
      for (const [name, value] of Object.entries({ ...given, secret })) assert.deepEqual(body[name], value, name)
    })

    test('one that is not to be active yet is inactive and says from which position on it misses events', async () => {
      const { body } = await api.request('POST', path, { ...least, active: false })
      assert.deepEqual([body['status'], body['active']], ['inactive', false])
      assert.equal(typeof body['held_from_position'], 'number')
    })

    test('a name that is given twice stands there once', async () => {
      const { body } = await api.request('POST', path, { ...least, event_names: ['a.b', 'a.b', 'a.c'] })
      assert.deepEqual(body['event_names'], ['a.b', 'a.c'])
    })
  })

  describe('400', () => {
    test('members that lack and members that are not known are all named', async () => {
      const answer = await api.request('POST', path, { webhookUrl: 'https://example.com', event_names: ['*'] })
      assert.deepEqual(refusalOf(answer), [400, 'invalid_request', '/webhook_url', '/webhookUrl'])
    })

    test('numbers outside their bounds are named', async () => {
      const answer = await api.request('POST', path, { ...least, concurrency: 0, timeout_ms: 999, rate_limit: 10_001 })
      assert.deepEqual(refusalOf(answer), [400, 'invalid_request', '/concurrency', '/timeout_ms', '/rate_limit'])
    })

    test('a secret that cannot sign is refused and not repeated', async () => {
      const answer = await api.request('POST', path, { ...least, secret: 'whsec_tooshort' })
      assert.deepEqual(refusalOf(answer).slice(0, 2), [400, 'invalid_request'])
      assert.ok(!answer.text.includes('tooshort'))
    })
  })

  describe('409', () => {
    test('a company has as many as it may; one that ends makes room for another', async () => {
      const crowded = await api.newCompany('Crowded')
      const { body } = await api.request('POST', path, least, { key: crowded.key })
      const { engine } = api.database.pools
      // They are counted in the company's head; so many would take minutes to make.
      await sql(engine, 'update company_heads set subscriptions = $2 where company_id = $1', [
        crowded.id,
        SUBSCRIPTIONS_MAX,
      ])
      const answer = await api.request('POST', path, least, { key: crowded.key })
      assert.deepEqual(refusalOf(answer), [409, 'subscription_limit'])
      await api.request('DELETE', `${path}/${String(body['id'])}`, undefined, { key: crowded.key })
      assert.equal((await api.request('POST', path, least, { key: crowded.key })).status, 201)
    })

    test('of ordered subscriptions a company has fewer', async () => {
      const { id, key } = await api.newCompany('Ordered')
      const first = await api.request('POST', path, { ...least, ordering: 'entity' }, { key })
      await sql(
        api.database.pools.owner,
        `insert into event_subscriptions (company_id, id, version, webhook_url, event_names, status, concurrency, timeout_ms, ordering)
         select $1, gen_random_uuid(), 1, 'https://example.com', '{a}', 'active', 1, 1000, 'entity' from generate_series(2, $2)`,
        [id, ORDERED_MAX],
      )
      const another = await api.request('POST', path, { ...least, ordering: 'subscription' }, { key })
      assert.deepEqual(refusalOf(another), [409, 'subscription_limit'])
      const unordered = await api.request('POST', path, least, { key })
      const change = await api.request(
        'PATCH',
        `${path}/${String(unordered.body['id'])}`,
        { ordering: 'entity' },
        { key },
      )
      assert.deepEqual(refusalOf(change), [409, 'subscription_limit'])
      const same = await api.request(
        'PATCH',
        `${path}/${String(first.body['id'])}`,
        { ordering: 'subscription' },
        { key },
      )
      assert.equal(same.status, 200)
    })
  })

  describe('422', () => {
    test('a URL that nothing may be sent to is refused with the reason', async () => {
      for (const webhook_url of [
        'https://10.0.0.1/hook',
        'ftp://example.com/',
        'https://a:b@example.com/',
        'example.com',
      ]) {
        const answer = await api.request('POST', path, { ...least, webhook_url })
        assert.deepEqual(refusalOf(answer), [422, 'invalid_url', '/webhook_url'], webhook_url)
      }
    })

    test('every name that is none is named, and a subscription to nothing is refused', async () => {
      const wrong = await api.request('POST', path, { ...least, event_names: ['order.*', 'Order', '*.placed'] })
      assert.deepEqual(refusalOf(wrong), [422, 'invalid_event_name', '/event_names/1', '/event_names/2'])
      const none = await api.request('POST', path, { ...least, event_names: [] })
      assert.deepEqual(refusalOf(none), [422, 'invalid_event_name', '/event_names'])
    })

    test('a refusal leaves no subscription behind', async () => {
      const id = await makeSubscription(api)
      await api.request('POST', path, { ...least, event_names: [] })
      const { body } = await api.request('GET', path, undefined, { query: { limit: 1 } })
      assert.equal((body['data'] as { readonly id: string }[])[0]?.id, id)
    })
  })
})
