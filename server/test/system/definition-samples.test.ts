import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { startRouteTest } from '../support/route-test.ts'
import { anySchema } from '../support/schema-arbitraries.ts'
import { newEventName } from '../support/made-things.ts'

const api = await startRouteTest()

const entity = fc.constantFrom(undefined, { type: 'thing', id: '/a' }, { type: 'thing', id: '/ab/a' })

test('what is accepted as a definition can be published with its own samples', async () => {
  let accepted = 0
  await fc.assert(
    fc.asyncProperty(anySchema, entity, fc.nat(1_000), async (given, pointer, seed) => {
      const schema = typeof given === 'object' && given !== null && pointer ? { ...given, 'x-entity': pointer } : given
      const event_name = newEventName()
      const made = await api.request('POST', '/events/schemas', { event_name, schema, status: 'active' })
      assert.ok(made.status === 201 || made.status === 422, made.text)
      if (made.status === 422) return
      accepted++
      for (const query of [{}, { seed }]) {
        const sample = await api.request('GET', `/events/schemas/${event_name}/sample`, undefined, { query })
        assert.equal(sample.status, 200, sample.text)
        const { payload } = sample.body
        const published = await api.request('POST', '/events', { event_name, payload })
        assert.equal(published.status, 201, `${JSON.stringify(schema)} ${JSON.stringify(payload)} ${published.text}`)
      }
    }),
    { numRuns: 150 },
  )
  assert.ok(accepted > 50, `${accepted} of 150`)
})
