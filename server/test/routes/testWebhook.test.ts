import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { verifyWebhook } from '@daybook/sdk'
import { refusalOf, startRouteTest } from '../support/route-test.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'

const api = await startRouteTest()
const path = '/events/test-webhook'

describe('POST /events/test-webhook', () => {
  describe('200', () => {
    test('one call is made, signed with a secret that the answer tells, and no event is recorded', async (t) => {
      const receiver = await scriptedReceiver(t)
      receiver.answer(() => ({ status: 202, body: 'taken' }))
      const input = { webhook_url: `${receiver.url}/hook`, event_name: 'test.webhook', payload: { test: true } }
      const { body } = await api.request('POST', path, input)
      assert.deepEqual([body['outcome'], body['reason']], ['delivered', 'http_202'])
      const [call, ...more] = receiver.calls
      assert.ok(call && more.length === 0)
      const { secret, webhook_id } = body['verification'] as Record<string, string>
      const verified = await verifyWebhook({ headers: call.headers, body: call.body, secrets: [secret ?? ''] })
      assert.equal(verified.id, webhook_id)
      assert.equal(call.headers['daybook-test'], 'true')
      assert.deepEqual(JSON.parse(call.body.toString()).data, { test: true })
      assert.equal((body['request'] as Record<string, unknown>)['body'], call.body.toString())
      assert.deepEqual((body['response'] as Record<string, unknown>)['body'], 'taken')
      const { owner } = api.database.pools
      assert.equal(await sqlValue(owner, `select count(*) from event_logs where event_name = 'test.webhook'`), 0)
      const log = await api.request('GET', `/events/webhook-logs/${String(body['webhook_log_id'])}`)
      assert.deepEqual(
        [log.body['is_test'], log.body['subscription_id'], log.body['request_body']],
        [true, null, call.body.toString()],
      )
    })

    test('without a payload the definition gives one; a given one that breaks it is sent and told', async (t) => {
      const receiver = await scriptedReceiver(t)
      const input = { webhook_url: receiver.url, event_name: 'appointment.created' }
      const fitting = (await api.request('POST', path, input)).body
      assert.deepEqual(fitting['payload_faults'], [])
      const sent = JSON.parse(receiver.calls[0]?.body.toString() ?? '')
      assert.equal(sent.entity.type, 'appointment')
      const broken = (await api.request('POST', path, { ...input, payload: {} })).body
      assert.notDeepEqual(broken['payload_faults'], [])
      assert.equal(receiver.calls.length, 2)
    })

    test('what fails is an answer with its reason, and credentials are hidden', async () => {
      const input = {
        webhook_url: 'http://127.0.0.1:1/',
        event_name: 'test.webhook',
        auth: { type: 'bearer', token: 'canary' },
        signature: 'ed25519',
      }
      const { body, text } = await api.request('POST', path, input)
      assert.deepEqual([body['outcome'], body['response']], ['failed', null])
      assert.ok(!text.includes('canary'))
      assert.match(String((body['verification'] as Record<string, unknown>)['secret']), /^whpk_/)
    })
  })

  describe('400', () => {
    test('an unknown member is refused', async () => {
      const input = { webhook_url: 'https://example.com', event_name: 'a', colour: 'red' }
      assert.deepEqual(refusalOf(await api.request('POST', path, input)), [400, 'invalid_request', '/colour'])
    })
  })

  describe('422', () => {
    test('an address that the guard refuses is not called', async () => {
      const input = { webhook_url: 'https://10.0.0.1/', event_name: 'a' }
      assert.deepEqual(refusalOf(await api.request('POST', path, input)), [422, 'invalid_url', '/webhook_url'])
    })

    test('a name that is none, a reserved header and unusable credentials are refused', async () => {
      const input = { webhook_url: 'https://example.com', event_name: 'a' }
      const refused: readonly (readonly [object, string])[] = [
        [{ event_name: 'Not A Name' }, 'invalid_event_name'],
        [{ headers: { host: 'x' } }, 'invalid_header'],
        [{ auth: { type: 'basic', username: 'a:b', password: 'x' } }, 'invalid_credentials'],
      ]
      for (const [change, code] of refused) {
        const answer = await api.request('POST', path, { ...input, ...change })
        assert.deepEqual(refusalOf(answer).slice(0, 2), [422, code])
      }
    })
  })

  describe('429', () => {
    test('ten calls of a company are under way at once, whichever of the routes makes them', async (t) => {
      const receiver = await scriptedReceiver(t)
      const { key } = await api.newCompany('Ten')
      const { promise: released, resolve: release } = Promise.withResolvers<void>()
      t.after(() => release())
      receiver.answer(async () => {
        await released
        return { status: 204 }
      })
      const subscription = { webhook_url: receiver.url, event_names: ['a'] }
      const made = await api.request('POST', '/events/subscriptions', subscription, { key })
      const ofSubscription = `/events/subscriptions/${String(made.body['id'])}/test`
      const input = { webhook_url: receiver.url, event_name: 'a' }
      const calls = Array.from({ length: 10 }, async (_, index) =>
        index % 2 === 0
          ? await api.request('POST', path, input, { key })
          : await api.request('POST', ofSubscription, {}, { key }),
      )
      await until('ten are under way', () => receiver.calls.length === 10)
      for (const [route, body] of [
        [path, input],
        [ofSubscription, {}],
      ] as const) {
        const refused = await api.request('POST', route, body, { key })
        assert.deepEqual(refusalOf(refused), [429, 'too_many_tests'])
        assert.equal(refused.headers.get('retry-after'), '1')
      }
      release()
      assert.deepEqual(new Set((await Promise.all(calls)).map(({ status }) => status)), new Set([200]))
    })

    test('sixty a minute are begun for a company, and another one has its own', async () => {
      const [one, two] = [await api.newCompany('One'), await api.newCompany('Two')]
      const input = { webhook_url: 'http://127.0.0.1:1/', event_name: 'a' }
      const beganMs = performance.now()
      let taken = 0
      let answer = await api.request('POST', path, input, { key: one.key })
      for (; answer.status === 200 && taken < 200; taken++) {
        answer = await api.request('POST', path, input, { key: one.key })
      }
      assert.deepEqual(refusalOf(answer), [429, 'too_many_tests'])
      assert.equal(answer.headers.get('retry-after'), '1')
      assert.ok(taken >= 60 && taken <= 61 + (performance.now() - beganMs) / 1_000, String(taken))
      assert.equal((await api.request('POST', path, input, { key: two.key })).status, 200)
    })
  })
})
