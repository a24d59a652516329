import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { newEvent } from '../../test/support/new-event.ts'
import type { LoggedEvent } from '../events/event.ts'
import { anchorOf } from '../lib/filter/filter-anchor.ts'
import { decideRouting, KnownFilters, toRoutable } from './routing-decision.ts'
import { RoutingIndex } from './routing-index.ts'
import type { Subscription } from './subscription-set.ts'

const COMPANY = '0195a2c4-5b1e-7c3a-9f10-2b6d8e4a7c11'

const names = ['a', 'a.b', 'a.b.c', 'b', 'daybook.key.created']
const pattern = fc.constantFrom(...names, '*', 'a.*', 'a.b.*', 'daybook.*')
const scalar = fc.constantFrom<unknown>('x', 'y', 1, '1', 0, -0, true, null)

const condition = fc.oneof(
  scalar,
  fc.record({ $eq: scalar }),
  fc.record({ $in: fc.array(scalar, { minLength: 1, maxLength: 3 }) }),
  fc.record({ $eq: fc.constantFrom('X', 'y'), $ignore_case: fc.constant(true) }),
  fc.record({ $not: scalar }),
  fc.record({ $exists: fc.boolean() }),
  fc.record({ $all: fc.array(scalar, { minLength: 1, maxLength: 2 }) }),
)
const path = fc.constantFrom(
  'k',
  'in.k',
  'list',
  'list.0',
  'objects.k',
  '/in/k',
  '$event.source',
  '$event.entity_id',
  '',
)
const filter = fc.oneof(
  fc.constant(undefined),
  fc.dictionary(path, condition, { maxKeys: 3 }),
  fc.record({ $any: fc.array(fc.dictionary(path, condition, { maxKeys: 2 }), { minLength: 1, maxLength: 2 }) }),
)

const subscription = fc.record({
  id: fc.integer({ min: 0, max: 9 }).map((n) => `0195a2c4-5b1e-7c3a-9f10-00000000000${n}`),
  eventNames: fc.uniqueArray(pattern, { minLength: 1, maxLength: 3 }),
  filter: filter.map((json) => json && JSON.stringify(json)),
  isRemoved: fc.boolean(),
})

const payload = fc.oneof(
  scalar,
  fc.record(
    {
      k: fc.oneof(scalar, fc.array(scalar, { maxLength: 3 })),
      in: fc.record({ k: scalar }),
      list: fc.array(fc.oneof(scalar, fc.array(scalar, { maxLength: 1 })), { maxLength: 3 }),
      objects: fc.array(fc.record({ k: scalar }, { requiredKeys: [] }), { maxLength: 3 }),
    },
    { requiredKeys: [] },
  ),
)

const event = fc
  .record({
    name: fc.constantFrom(...names),
    payload,
    source: fc.constantFrom('x', 'y'),
    entityId: fc.constantFrom('1', 'x'),
  })
  .map(({ name, payload: value, source, entityId }): LoggedEvent => {
    const made = newEvent(COMPANY, { payload: value, source, entity_type: 'thing', entity_id: entityId })
    return { ...made, eventName: name }
  })

test('the index finds exactly those that are owed the event, in the order of their ids, through every change', () => {
  fc.assert(
    fc.property(fc.array(subscription, { maxLength: 30 }), fc.array(event, { maxLength: 5 }), (changes, events) => {
      const index = new RoutingIndex()
      const present = new Map<string, Subscription>()
      for (const { isRemoved, ...change } of changes) {
        const before = present.get(change.id)
        if (before) index.remove(before)
        present.delete(change.id)
        if (isRemoved) continue
        const next = { ...base, ...change }
        index.add(next)
        present.set(next.id, next)
      }
      for (const one of events.map(toRoutable)) {
        const filters = new KnownFilters()
        const asked = [...present.values()].filter((each) => decideRouting(each, one, filters).isOwed)
        assert.deepEqual(
          index.owed(one, endless)?.map(({ id }) => id),
          asked.map(({ id }) => id).toSorted(),
        )
      }
    }),
    { numRuns: 2_000 },
  )
})

const endless = { isUpAfterFilter: () => false }
const over = { isUpAfterFilter: () => true }

const base = {
  companyId: COMPANY,
  version: 1,
  ordering: 'none',
  status: 'active',
  concurrency: 1,
  timeoutMs: 1_000,
} as const satisfies Partial<Subscription>

const idOf = (n: number) => `0195a2c4-5b1e-7c3a-9f10-${String(n).padStart(12, '0')}`

/** Subscriptions with the ids 0, 1, 2 … */
function indexOf(...given: readonly Partial<Subscription>[]): RoutingIndex {
  const index = new RoutingIndex()
  for (const [n, one] of given.entries()) {
    index.add({ ...base, eventNames: ['*'], filter: undefined, ...one, id: idOf(n) })
  }
  return index
}

const orders = toRoutable(newEvent(COMPANY, { payload: { branch: 'berlin', minutes: 30 } }))

test('when the time is up before all filters were asked nothing is said, unless none has to be asked', () => {
  const kinds = ['{"branch":"berlin"}', '{"minutes":{"$gt":1}}']
  for (const filter of kinds) assert.equal(indexOf({}, { filter }).owed(orders, over), undefined, filter)
  assert.equal(indexOf({}, {}).owed(orders, over)?.length, 2)
  assert.equal(indexOf({}, { filter: '{"branch":"berlin"}', eventNames: ['call.*'] }).owed(orders, over)?.length, 1)
})

test('of those in an order all are owed an event that was not asked about in time', () => {
  const wanting = '{"branch":"berlin"}'
  const other = '{"branch":"hamburg"}'
  const index = indexOf(
    { ordering: 'entity' },
    {},
    { ordering: 'entity', filter: other },
    { ordering: 'subscription', filter: wanting },
    { filter: wanting },
    { ordering: 'entity', filter: other, eventNames: ['call.*'] },
    { ordering: 'entity', filter: other },
  )
  const found = (time: typeof over) => index.owedInOrder(orders, time).map(({ id }) => Number(id.slice(-12)))
  assert.deepEqual(found(endless), [0, 3])
  assert.deepEqual(found(over), [0, 3, 6])
})

test('names that the same patterns choose share one list', () => {
  const index = indexOf(
    {},
    { eventNames: ['order.*', '*'] },
    { eventNames: ['order.*'] },
    { filter: '{"branch":"hamburg"}' },
  )
  const list = (eventName: string) => index.owed({ ...orders, eventName }, endless)
  assert.equal(list('order.placed')?.length, 3)
  assert.equal(list('order.placed'), list('order.paid'))
  assert.equal(list('call.ended')?.length, 2)
  assert.equal(list('call.ended'), list('a.b.c'))
})

test('a subscription takes room for its names and its values, not for each of them with each', () => {
  const before = process.memoryUsage().heapUsed
  const eventNames = Array.from({ length: 100 }, (_, n) => `n${n}`)
  const subscriptions = Array.from({ length: 100 }, (_, s) => {
    const filter = JSON.stringify({ b: { $in: Array.from({ length: 200 }, (_, n) => `${s}-${n}`) } })
    return { eventNames, filter }
  })
  const index = indexOf(...subscriptions)
  const grown = process.memoryUsage().heapUsed - before
  assert.ok(grown < 150_000_000, `${grown} bytes`) // 2,000,000 entries would be some 400 MB
  const event = toRoutable(newEvent(COMPANY, { payload: { b: '7-7' } }))
  assert.deepEqual(
    index.owed({ eventName: 'n3', filtered: event.filtered }, endless)?.map(({ id }) => id),
    [idOf(7)],
  )
})

test('an event is read for filters once, however many are asked', () => {
  const event = newEvent(COMPANY, { payload: { k: 1 } })
  const routable = toRoutable(event)
  assert.equal(routable.filtered, routable.filtered)
  assert.equal(routable.filtered?.payload, routable.filtered?.payload)
})

test('the failures of a filter are looked for when somebody asks', () => {
  const decision = decideRouting({ ...base, eventNames: ['*'], filter: '{"branch":"hamburg"}' }, orders)
  assert.ok(!decision.isOwed && decision.reason === 'filter')
  assert.deepEqual(
    decision.failures().map(({ path }) => path),
    ['branch'],
  )
})

test('an event that a filter cannot be asked about within its purse is owed, and the decision says so', () => {
  const list = Array.from({ length: 30_000 }, (_, n) => ({ k: n % 10 }))
  const costly = toRoutable(newEvent(COMPANY, { payload: { list } }))
  const filter = JSON.stringify({ $any: Array.from({ length: 100 }, (_, n) => ({ 'list.k': 100 + n })) })
  const decision = decideRouting({ ...base, eventNames: ['*'], filter }, costly)
  assert.deepEqual(decision, { isOwed: true, reason: 'filter_too_costly' })
  assert.equal(indexOf({ filter }).owed(costly, endless)?.length, 1)
})

test('a filter is looked up by the equality that leaves the fewest', () => {
  const anchors: readonly (readonly [unknown, unknown])[] = [
    [{}, undefined],
    [{ a: { $gte: 1 } }, undefined],
    [{ $any: [{ a: 1 }] }, undefined],
    [{ a: { $not: 1 } }, undefined],
    [{ a: { $eq: 'x', $ignore_case: true } }, undefined],
    [{ a: 1 }, { keys: ['payload', 'a'], values: [1] }],
    [
      { 'a.b': { $in: [1, 2] }, c: null },
      { keys: ['payload', 'c'], values: [null] },
    ],
    [{ '$event.entity_id': 7 }, { keys: ['fields', 'entity_id'], values: ['7'] }],
    [{ a: { $eq: 'x', $exists: true } }, { keys: ['payload', 'a'], values: ['x'] }],
  ]
  for (const [filter, anchor] of anchors) assert.deepEqual(anchorOf(filter), anchor, JSON.stringify(filter))
})
