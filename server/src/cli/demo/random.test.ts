import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { between, pickWeighted, seededRandom } from './random.ts'

test('every seed gives numbers in [0, 1) that are spread evenly', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 32 - 1), (seed) => {
      const random = seededRandom(seed)
      const tenths = Array<number>(10).fill(0)
      for (let n = 0; n < 2_000; n++) {
        const value = random()
        assert.ok(value >= 0 && value < 1)
        const at = Math.floor(value * 10)
        tenths[at] = (tenths[at] ?? 0) + 1
      }
      assert.ok(
        tenths.every((count) => count > 120 && count < 280),
        String(tenths),
      )
    }),
    { numRuns: 20 },
  )
})

test('both ends of a range come up, and nothing outside; a weight of zero never does', () => {
  const random = seededRandom(1)
  const seen = new Set(Array.from({ length: 500 }, () => between(random, 3, 5)))
  assert.deepEqual(seen, new Set([3, 4, 5]))
  const picked = new Set(
    Array.from({ length: 500 }, () =>
      pickWeighted(random, [
        ['a', 1],
        ['b', 0],
        ['c', 3],
      ]),
    ),
  )
  assert.deepEqual(picked, new Set(['a', 'c']))
})
