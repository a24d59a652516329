import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { LATENCY_ERROR, latenciesAt, latencyBounds, latencyClass } from './latency-histogram.ts'

const latency = fc.double({ min: 0.1, max: 900_000, noNaN: true })

function countsOf(latencies: readonly number[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const ms of latencies) {
    const name = String(latencyClass(ms))
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

test('a percentile is at most the promised part of its value off', () => {
  fc.assert(
    fc.property(
      fc.array(latency, { minLength: 1, maxLength: 300 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (all, part) => {
        const sorted = all.toSorted((one, other) => one - other)
        const exact = sorted[Math.max(1, Math.ceil(part * sorted.length)) - 1] ?? Number.NaN
        const [told = Number.NaN] = latenciesAt(countsOf(all), [part])
        assert.ok(Math.abs(told - exact) <= exact * (LATENCY_ERROR + 1e-4), `${told} for ${exact}`)
      },
    ),
  )
})

test('histograms merge by addition', () => {
  fc.assert(
    fc.property(fc.array(latency), fc.array(latency), (one, other) => {
      const merged = countsOf(one)
      for (const [name, count] of Object.entries(countsOf(other))) merged[name] = (merged[name] ?? 0) + count
      assert.deepEqual(merged, countsOf([...one, ...other]))
    }),
  )
})

test('every latency has a class: what is too small the first, what is too large the last', () => {
  assert.equal(latencyClass(0), 1)
  assert.equal(latencyClass(0.1), 2)
  assert.equal(latencyClass(Infinity), latencyBounds.length + 1)
  assert.ok(latencyBounds.length + 1 < 256, 'a class fits the byte it has in the journal')
  assert.ok((latencyBounds.at(-1) ?? 0) > 900_000)
  assert.ok(latencyBounds.every((bound, index) => index === 0 || bound > (latencyBounds[index - 1] ?? Infinity)))
  assert.deepEqual(latenciesAt({}, [0.5]), [])
  assert.deepEqual(latenciesAt({ 1: 3 }, [0.5, 1]), [0.1, 0.1])
})
