import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figures, figureTable, judge } from './figures.ts'

test('a target is reached at its very value, and never by what could not be measured', () => {
  assert.equal(judge(figures.ratio, 0.25), 'ok')
  assert.equal(judge(figures.ratio, 0.249), 'missed')
  assert.equal(judge(figures.p99_ms, 50), 'ok')
  assert.equal(judge(figures.p99_ms, Number.NaN), 'missed')
  assert.equal(judge(figures.limit_posts_per_s, 1), '')
})

test('the table has a line for what was measured only, in the order of the figures', () => {
  const lines = figureTable({ p99_ms: 61.26, end_to_end_per_s: 9_000.4 }, true).split('\n')
  assert.equal(lines.length, 3)
  assert.match(lines[1] ?? '', /^end to end, published in batches of 100 +9,000 \/s +≥ 8,000 \/s +ok$/)
  assert.match(lines[2] ?? '', /^commit to receipt at 200\/s, p99 +61\.3 ms +≤ 50\.0 ms +missed$/)
})

test('a run too short to tell is judged by lost and duplicated events alone', () => {
  const table = figureTable({ end_to_end_per_s: 1, lost: 1, duplicated: 0 }, false)
  assert.equal(table.match(/missed/g)?.length, 1)
  assert.match(table, /lost .*missed/)
})
