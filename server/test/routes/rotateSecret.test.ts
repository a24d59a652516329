import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { newId } from '../../src/lib/ids.ts'
import { makeEvent, makeSubscription, newEventName } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'

const api = await startRouteTest()
const pathOf = (id: string): string => `/events/subscriptions/${id}/rotate-secret`

describe('POST /events/subscriptions/{id}/rotate-secret', () => {
  describe('200', () => {
    for (const [overlap_seconds, oldVerifies] of [
      [60, true],
      [0, false],
    ] as const) {
      test(`with an overlap of ${overlap_seconds} seconds the old secret ${oldVerifies ? 'still' : 'no longer'} verifies, and the new one does`, async (t) => {
        const receiver = await scriptedReceiver(t)
        const event_name = newEventName()
        const subscription = { webhook_url: receiver.url, event_names: [event_name] }
        const made = (await api.request('POST', '/events/subscriptions', subscription)).body
        const rotated = (await api.request('POST', pathOf(String(made['id'])), { overlap_seconds })).body
        assert.notEqual(rotated['secret'], made['secret'])
        await makeEvent(api, { event_name })
        await api.node.route()
        await api.node.dispatch()
        const [call] = receiver.calls
        const verify = (secret: unknown) => new Webhook(String(secret)).verify(call?.body ?? '', headersOf(call))
        verify(rotated['secret'])
        if (oldVerifies) verify(made['secret'])
        else assert.throws(() => verify(made['secret']))
      })
    }

    test('a call without a body makes a secret, one with a secret takes it', async () => {
      const id = await makeSubscription(api)
      const made = await api.request('POST', pathOf(id))
      assert.match(String(made.body['secret']), /^whsec_/)
      const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`
      assert.equal((await api.request('POST', pathOf(id), { secret })).body['secret'], secret)
    })
  })

  describe('400', () => {
    test('an overlap outside its bounds, and a member that is not known, are named', async () => {
      const id = await makeSubscription(api)
      for (const [body, pointer] of [
        [{ overlap_seconds: 604_801 }, '/overlap_seconds'],
        [{ overlap_seconds: -1 }, '/overlap_seconds'],
        [{ overlap_seconds: '60' }, '/overlap_seconds'],
        [{ colour: 'red' }, '/colour'],
      ] as const) {
        const answer = await api.request('POST', pathOf(id), body)
        assert.deepEqual(refusalOf(answer), [400, 'invalid_request', pointer])
      }
    })

    test('a secret that cannot sign is refused and not repeated', async () => {
      const answer = await api.request('POST', pathOf(await makeSubscription(api)), { secret: 'whsec_tooshort' })
      assert.deepEqual(refusalOf(answer).slice(0, 2), [400, 'invalid_request'])
      assert.ok(!answer.text.includes('tooshort'))
    })
  })

  describe('404', () => {
    test('one that is not, and one of another company', async () => {
      const { key } = await api.newCompany('Other')
      assert.deepEqual(refusalOf(await api.request('POST', pathOf(newId()), {})), [404, 'not_found'])
      const id = await makeSubscription(api)
      assert.deepEqual(refusalOf(await api.request('POST', pathOf(id), {}, { key })), [404, 'not_found'])
    })
  })

  describe('412', () => {
    test('one that was changed since stays as it is; the present tag and * are taken', async () => {
      for (const present of [true, false]) {
        const id = await makeSubscription(api)
        const get = async () => await api.request('GET', `/events/subscriptions/${id}`)
        const tag = (await get()).headers.get('etag') ?? ''
        const refused = await api.request('POST', pathOf(id), undefined, { headers: { 'if-match': '"999"' } })
        assert.deepEqual(refusalOf(refused), [412, 'precondition_failed'])
        assert.equal((await get()).headers.get('etag'), tag)
        const headers = { 'if-match': present ? tag : '*' }
        const answer = await api.request('POST', pathOf(id), undefined, { headers })
        assert.equal(answer.status, 200)
        assert.deepEqual(
          [answer.headers.get('etag') === tag, answer.headers.get('etag')],
          [false, (await get()).headers.get('etag')],
        )
      }
    })
  })
})

function headersOf(call: { readonly headers: object } | undefined): Record<string, string> {
  return { ...call?.headers }
}
