import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { testCompany } from '../../../test/support/company.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { listEvents } from '../list-events.ts'
import { HeldEvent } from './held-event.ts'
import type { StreamSelection } from './stream-selection.ts'
import { selects } from './stream-selection.ts'

const word = fc.constantFrom('a', 'b', 'c')
const name = fc.constantFrom('thing.a', 'thing.b', 'thing.a.b', 'thing', 'other', 'daybook.a')
const ref = fc.record({ type: word, id: word })
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })

const event = fc
  .record({
    eventName: name,
    entity: maybe(ref),
    related: fc.uniqueArray(ref, { maxLength: 3, selector: ({ type, id }) => `${type}.${id}` }),
    actor: maybe(ref),
    source: maybe(word),
    correlationId: maybe(word),
  })
  // What an event is about is not named as related once more.
  .map((one) => ({
    ...one,
    related: one.related.filter(({ type, id }) => type !== one.entity?.type || id !== one.entity.id),
  }))

const filter = fc.record({
  event_names: maybe(
    fc.array(fc.oneof(name, fc.constantFrom('*', 'thing.*', 'thing.a.*', 'daybook.*')), { minLength: 1, maxLength: 3 }),
  ),
  entity: maybe(ref),
  include_related: maybe(fc.boolean()),
  related: maybe(ref),
  actor: maybe(ref),
  source: maybe(word),
  correlation_id: maybe(word),
})

test('what a stream selects of the events that are held is what the history selects in the database', async (t) => {
  const { pools } = await testDatabase(t)
  const company = await testCompany(pools)
  await company.publish(...fc.sample(event, 150))
  await company.route()
  const list = async (wanted: StreamSelection['filter']) =>
    await company.asCompany(async (db) => {
      return (await listEvents(db, company.id, wanted, { limit: 200, order: 'asc' })).events
    })
  const held = (await list({})).map((view) => new HeldEvent(view))
  assert.ok(held.length > 140)
  await fc.assert(
    fc.asyncProperty(filter, async (wanted) => {
      const selection = { key: '', filter: wanted, tests: {}, fields: undefined }
      const selected = held.filter((one) => selects(selection, one) === true).map(({ position }) => position)
      assert.deepEqual(
        selected,
        (await list(wanted)).map(({ position }) => position),
      )
    }),
    { numRuns: 300 },
  )
})
