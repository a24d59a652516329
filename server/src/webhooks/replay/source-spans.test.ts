import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countOfSpans, spansOf } from './source-spans.ts'

test('spans hold each position of a source once', () => {
  for (const [from, to, max] of [
    [1, 100_003, 10],
    [5, 30, 1],
    [1, 10, 10],
    [8, 7, 10],
  ] as const) {
    const spans = spansOf({ from_position: from, to_position: to }, max)
    assert.deepEqual([spans[0]?.from, spans.at(-1)?.to, spans.length], [from, to, to - from + 1 <= max ? 1 : 20])
    for (const [index, span] of spans.entries())
      assert.equal(span.from, index === 0 ? from : (spans[index - 1]?.to ?? NaN) + 1)
  }
})

test('what was not looked at counts as what was, and not as nothing', () => {
  const span = (from: number, after: number | null, count: number) => ({ from, to: from + 99, after, count })
  assert.equal(countOfSpans([span(1, null, 50), span(101, null, 10)]), 60)
  assert.equal(countOfSpans([span(1, 50, 25), span(101, null, 10)]), 60)
  assert.equal(countOfSpans([span(1, null, 50), span(101, 150, 5), span(201, 200, 0)]), 90)
  assert.equal(countOfSpans([]), 0)
})
