import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { newEvent } from '../../test/support/new-event.ts'
import type { LoggedEvent } from '../events/event.ts'
import { anchorOf } from '../lib/filter/filter-anchor.ts'
import { decideRouting, toRoutable } from './routing-decision.ts'
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
        const asked = [...present.values()].filter((each) => decideRouting(each, one).isOwed)
        assert.deepEqual(
          index.owed(one).map(({ id }) => id),
          asked.map(({ id }) => id).toSorted(),
        )
      }
    }),
    { numRuns: 2_000 },
  )
})

const base = {
  companyId: COMPANY,
  version: 1,
  ordering: 'none',
  status: 'active',
  concurrency: 1,
  timeoutMs: 1_000,
} as const satisfies Partial<Subscription>

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
