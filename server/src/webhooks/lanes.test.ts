import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { closedBreaker } from './breaker.ts'
import type { Lane } from './lanes.ts'
import { Lanes } from './lanes.ts'

function lane(lanes: Lanes, companyId: string, subscriptionId: string, concurrency = 1_000): Lane {
  const made = lanes.of(companyId, subscriptionId)
  made.concurrency = concurrency
  made.mayHaveDue = true
  return made
}

test('one company alone gets three quarters of the main slots, and another the rest of its share at once', () => {
  const lanes = new Lanes(512)
  assert.equal(lanes.take(lane(lanes, 'noisy', 'a'), 1_000), 336)
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
      if (slots < 0) lanes.giveBack(own, 'main', Math.min(own.used, -slots))
      else lanes.take(own, slots)
      assert.ok(lanes.main.used >= 0 && lanes.main.used <= max)
      assert.ok(own.used <= 64)
    }
    assert.equal(lanes.take(lane(lanes, 'third', 'n'), 1), 1)
  })
  fc.assert(property)
})

test('a process with a single slot can use it', () => {
  const lanes = new Lanes(1)
  const own = lane(lanes, 'one', 'a')
  assert.deepEqual([...lanes.claimable(0).keys()], ['one'])
  assert.deepEqual([lanes.take(own, 5), lanes.take(own, 5)], [1, 0])
  assert.equal(lanes.claimable(0).size, 0)
})

test('the lane whose turn is longest ago comes first', () => {
  const lanes = new Lanes(64)
  const [a, b, c] = ['a', 'b', 'c'].map((id) => lane(lanes, 'one', id, 4))
  assert.ok(a && b && c)
  for (const own of [a, b]) lanes.giveBack(own, 'main', lanes.take(own, 2))
  assert.deepEqual(lanes.claimable(0).get('one'), [c, a, b])
})

test('a company that holds much waits until a claim is worth its cost, one that holds nothing does not', () => {
  const lanes = new Lanes(512)
  const noisy = lane(lanes, 'noisy', 'a')
  lanes.take(noisy, 1_000)
  lane(lanes, 'quiet', 'b')
  lanes.giveBack(noisy, 'main', 4)
  assert.deepEqual([...lanes.claimable(0).keys()], ['quiet'])
  lanes.giveBack(noisy, 'main', 60)
  assert.deepEqual([...lanes.claimable(0).keys()].sort(), ['noisy', 'quiet'])
})

const slowBreaker = { ...closedBreaker, isSlow: true }

test('subscriptions that hang share one slot in eight, whatever their number, and the others keep the rest', () => {
  const lanes = new Lanes(512)
  let taken = 0
  for (let n = 0; n < 200; n++) {
    const hanging = lane(lanes, 'one', `h${n}`, 64)
    hanging.breaker = slowBreaker
    taken += lanes.take(hanging, 64)
  }
  assert.ok(taken >= 1 && taken <= 64, `${taken}`)
  assert.equal(lanes.take(lane(lanes, 'one', 'healthy'), 300), 300)
})

test('each company gets a slow slot of its own', () => {
  const lanes = new Lanes(512)
  for (const company of ['a', 'b', 'c']) {
    const hanging = lane(lanes, company, `h-${company}`, 64)
    hanging.breaker = slowBreaker
    assert.ok(lanes.take(hanging, 64) >= 1)
  }
})

test('a call that takes long is parked: its slot is free for others, its subscription has the small pool until it ends', () => {
  const lanes = new Lanes(512)
  const own = lane(lanes, 'one', 'a', 64)
  assert.equal(lanes.take(own, 2), 2)
  assert.equal(lanes.poolOf(own), 'main')
  assert.ok(lanes.park(own))
  assert.deepEqual([lanes.main.used, lanes.parked.used, own.used, lanes.poolOf(own)], [1, 1, 2, 'slow'])
  lanes.giveBack(own, 'parked', 1)
  assert.deepEqual([lanes.main.used, lanes.parked.used, lanes.poolOf(own)], [1, 0, 'main'])
})

test('as many calls can be parked as there are slots, and no company takes all of that', () => {
  const lanes = new Lanes(64)
  let parked = 0
  for (let n = 0; n < 200; n++) {
    const own = lane(lanes, 'one', `h${n}`, 64)
    if (lanes.take(own, 1) === 1 && lanes.park(own)) parked++
  }
  assert.equal(parked, 48)
  assert.ok(lanes.take(lane(lanes, 'two', 'b'), 1) === 1 && lanes.park(lanes.of('two', 'b')))
})

test('with so few slots that none is for slow ones, all share what there is', () => {
  const lanes = new Lanes(4)
  const own = lane(lanes, 'one', 'a', 64)
  own.breaker = slowBreaker
  assert.ok(lanes.take(own, 4) >= 1)
})

test('a lane that must wait is not asked before its time, and its time is the next one to look', () => {
  const lanes = new Lanes(64)
  const own = lane(lanes, 'one', 'a')
  own.notBeforeMs = 100
  assert.equal(lanes.claimable(99).size, 0)
  assert.equal(lanes.nextAtMs(99), 100)
  assert.equal(lanes.claimable(100).size, 1)
  assert.equal(lanes.nextAtMs(100), Infinity)
})

test('a lane that gets nothing keeps its turn: slots go round, and no lane starves behind the first ones', () => {
  const lanes = new Lanes(64)
  const waiting = Array.from({ length: 20 }, (_, n) => lane(lanes, 'one', `s${n}`, 8))
  const served = new Set<string>()
  for (let turn = 0; turn < 10; turn++) {
    const got = (lanes.claimable(0).get('one') ?? []).filter((own) => served.size < 20 && lanes.take(own, 8) > 0)
    for (const own of got) {
      served.add(own.subscriptionId)
      lanes.giveBack(own, 'main', own.used)
      own.mayHaveDue = true
      lanes.of('one', own.subscriptionId).mayHaveDue = true
    }
  }
  assert.equal(served.size, waiting.length)
})

test('what is held against a receiver that is called no more is forgotten after a while', () => {
  const lanes = new Lanes(64)
  const troubled = lane(lanes, 'one', 'b')
  troubled.mayHaveDue = false
  troubled.breaker = { ...closedBreaker, state: 'open', openMs: 1_000 }
  for (const nowMs of [0, 600_000]) lanes.claimable(nowMs)
  assert.equal(lanes.stats().breakersOpen, 1)
  lanes.claimable(600_001)
  assert.equal(lanes.stats().breakersOpen, 0)
})

test('a lane is forgotten when it is idle and nothing is held against it', () => {
  const lanes = new Lanes(64)
  const own = lane(lanes, 'one', 'a')
  own.mayHaveDue = false
  lanes.giveBack(own, 'main', lanes.take(own, 1))
  assert.notEqual(lanes.of('one', 'a'), own)
  const troubled = lane(lanes, 'one', 'b')
  troubled.mayHaveDue = false
  troubled.breaker = slowBreaker
  lanes.giveBack(troubled, 'slow', lanes.take(troubled, 1))
  assert.equal(lanes.of('one', 'b'), troubled)
})
