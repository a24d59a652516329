import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { inBatches } from './in-batches.ts'
import { seededRandom } from './random.ts'

test('batches hold every item once, in order, and none is empty', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.nat(2 ** 32 - 1), (items, seed) => {
      const batches = [...inBatches(items, seededRandom(seed))]
      assert.deepEqual(batches.flat(), items)
      assert.ok(batches.every(({ length }) => length >= 1 && length <= 40))
    }),
  )
})
