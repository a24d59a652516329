import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Lane } from './lanes.ts'
import { Lanes } from './lanes.ts'

function lane(lanes: Lanes, companyId: string, subscriptionId: string, concurrency = 1_000): Lane {
  const made = lanes.of(companyId, subscriptionId)
  made.concurrency = concurrency
  made.mayHaveDue = true
  return made
}

test('one company alone gets three quarters of the slots, and another the rest of its share at once', () => {
  const lanes = new Lanes(512)
  assert.equal(lanes.take(lane(lanes, 'noisy', 'a'), 1_000), 384)
  assert.equal(lanes.take(lane(lanes, 'noisy', 'b'), 1_000), 0)
  assert.equal(lanes.take(lane(lanes, 'quiet', 'c'), 20), 20)
})

test('a lane never takes more than its own limit', () => {
  const lanes = new Lanes(512)
  const own = lane(lanes, 'one', 'a', 5)
  assert.deepEqual([lanes.take(own, 3), lanes.take(own, 3), lanes.take(own, 3)], [3, 2, 0])
})

test('whatever two companies take and give back, slots are never overdrawn and a third one gets one', () => {
  const step = fc.record({ company: fc.nat(1), lane: fc.nat(3), slots: fc.integer({ min: -40, max: 80 }) })
  const property = fc.property(fc.integer({ min: 32, max: 600 }), fc.array(step, { maxLength: 200 }), (max, steps) => {
    const lanes = new Lanes(max)
    for (const { company, lane: index, slots } of steps) {
      const own = lane(lanes, `c${company}`, `c${company}-${index}`, 64)
      if (slots < 0) lanes.giveBack(own, Math.min(own.used, -slots))
      else lanes.take(own, slots)
      assert.ok(lanes.used >= 0 && lanes.used <= max)
      assert.ok(own.used <= 64)
    }
    assert.equal(lanes.take(lane(lanes, 'third', 'n'), 1), 1)
  })
  fc.assert(property)
})

test('a process with a single slot can use it', () => {
  const lanes = new Lanes(1)
  const own = lane(lanes, 'one', 'a')
  assert.deepEqual([...lanes.claimable().keys()], ['one'])
  assert.deepEqual([lanes.take(own, 5), lanes.take(own, 5)], [1, 0])
  assert.equal(lanes.claimable().size, 0)
})

test('the lane whose turn is longest ago comes first', () => {
  const lanes = new Lanes(64)
  const [a, b, c] = ['a', 'b', 'c'].map((id) => lane(lanes, 'one', id, 4))
  assert.ok(a && b && c)
  for (const own of [a, b]) lanes.giveBack(own, lanes.take(own, 2))
  assert.deepEqual(lanes.claimable().get('one'), [c, a, b])
})

test('a company that holds much waits until a claim is worth its cost, one that holds nothing does not', () => {
  const lanes = new Lanes(512)
  const noisy = lane(lanes, 'noisy', 'a')
  lanes.take(noisy, 1_000)
  lane(lanes, 'quiet', 'b')
  lanes.giveBack(noisy, 4)
  assert.deepEqual([...lanes.claimable().keys()], ['quiet'])
  lanes.giveBack(noisy, 60)
  assert.deepEqual([...lanes.claimable().keys()].sort(), ['noisy', 'quiet'])
})
