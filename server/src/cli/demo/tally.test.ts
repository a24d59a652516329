import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Tally } from './tally.ts'

test('what was accepted and never came is lost, and a second copy is a duplicate', () => {
  const tally = new Tally()
  for (const id of ['a', 'b', 'c']) tally.accept(id, 100)
  tally.receive('a', 103)
  tally.receive('a', 104)
  tally.receive('c', 110)
  assert.deepEqual(tally.result(), {
    published: 3,
    delivered: 2,
    attempts: 3,
    lost: 1,
    duplicated: 1,
    p50_ms: 3,
    p99_ms: 10,
  })
})

test('an event that arrives before the answer to its publish is delivered, in no time', () => {
  const tally = new Tally()
  tally.receive('a', 90)
  assert.equal(tally.delivered, 0)
  tally.accept('a', 100)
  assert.equal(tally.delivered, 1)
  assert.equal(tally.result().p50_ms, 0)
})

test('what nobody published here is told apart and loses nothing', () => {
  const tally = new Tally()
  tally.receive('left by an earlier run', 5)
  assert.equal(tally.earlier, 1)
  const { published, delivered, lost, attempts, p50_ms } = tally.result()
  assert.deepEqual([published, delivered, lost, attempts, p50_ms], [0, 0, 0, 1, null])
})
