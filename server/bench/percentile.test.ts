import assert from 'node:assert/strict'
import { test } from 'node:test'
import { percentile } from './percentile.ts'

test('a percentile is one of the values, by nearest rank, in whatever order they come', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index)
  assert.equal(percentile(values, 0.5), 50)
  assert.equal(percentile(values, 0.99), 99)
  assert.equal(percentile(values, 1), 100)
  assert.equal(percentile([7], 0.01), 7)
  assert.equal(percentile([2, 10, 1], 0.5), 2)
})

test('no values have no percentile', () => {
  assert.ok(Number.isNaN(percentile([], 0.5)))
})
