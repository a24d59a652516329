import assert from 'node:assert/strict'
import { test } from 'node:test'
import { array, assert as assertAlways, constantFrom, nat, option, property, record } from 'fast-check'
import { leftOutBy } from './ledger-standing.ts'
import { advance, openTargets, readProgress, writeProgress } from './replay-progress.ts'

test('a replay begins before the first position at every target', () => {
  const progress = readProgress(null, ['a', 'b'], 7)
  assert.deepEqual(openTargets(progress), [
    { id: 'a', after: 6 },
    { id: 'b', after: 6 },
  ])
})

test('each target goes its own way, the one that is least far first, and survives being stored', () => {
  const step = record({ id: constantFrom('a', 'b', 'c'), reached: option(nat()) })
  assertAlways(
    property(array(step), (steps) => {
      let progress = readProgress(null, ['a', 'b', 'c'], 1)
      for (const { id, reached } of steps) progress = advance(progress, id, reached)
      assert.deepEqual(readProgress(writeProgress(progress), ['a', 'b', 'c'], 1), progress)
      const expected = new Map<string, number | null>(['a', 'b', 'c'].map((id) => [id, 0]))
      for (const { id, reached } of steps) expected.set(id, reached)
      const open = openTargets(progress)
      assert.deepEqual(
        open.map(({ after }) => after),
        open.map(({ after }) => after).toSorted((a, b) => a - b),
      )
      assert.deepEqual(
        new Map(open.map(({ id, after }) => [id, after])),
        new Map([...expected].flatMap(([id, after]) => (after === null ? [] : [[id, after] as const]))),
      )
    }),
  )
})

test('a mode leaves out what it says', () => {
  const standing = { isDelivered: false, isPending: false, lastEnding: undefined }
  const delivered = { ...standing, isDelivered: true, lastEnding: 'delivered' as const }
  const failed = { ...standing, lastEnding: 'failed' as const }
  const failedLater = { ...delivered, lastEnding: 'cancelled' as const }
  const pending = { ...failed, isPending: true }
  const all = [standing, delivered, failed, failedLater, pending]
  assert.deepEqual(
    all.map((one) => leftOutBy('all', one)),
    Array.from({ length: 5 }),
  )
  assert.deepEqual(
    all.map((one) => leftOutBy('missing', one)),
    [undefined, 'delivered', undefined, 'delivered', 'pending'],
  )
  assert.deepEqual(
    all.map((one) => leftOutBy('failed', one)),
    ['not_failed', 'not_failed', undefined, undefined, 'pending'],
  )
})
