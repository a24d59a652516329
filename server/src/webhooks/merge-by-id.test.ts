import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { byId, mergeById } from './merge-by-id.ts'
import type { Subscription } from './subscription-set.ts'

const subscriptions = Array.from({ length: 9 }, (_, n): Subscription => ({
  companyId: 'c',
  id: `s${n}`,
  version: 1,
  eventNames: ['*'],
  filter: undefined,
  ordering: 'none',
  status: 'active',
  concurrency: 1,
  timeoutMs: 1_000,
}))

test('lists are merged in the order of the ids, each subscription once', () => {
  const list = fc.subarray(subscriptions).map((some) => some.toSorted(byId))
  fc.assert(
    fc.property(fc.array(list, { maxLength: 4 }), (lists) => {
      const expected = [...new Set(lists.flat())].toSorted(byId)
      assert.deepEqual(mergeById(lists), expected)
    }),
  )
})

test('one list alone is not copied', () => {
  assert.equal(mergeById([[], subscriptions, []]), subscriptions)
})
