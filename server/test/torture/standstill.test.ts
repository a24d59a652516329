import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Lane, Wait } from './standstill.ts'
import { beginWait, look } from './standstill.ts'

const well: Lane = { status: 'active', isOpen: false, head: null }

/** Looks once a second at what there is in that second; `due`: since which second the lease is over. */
function watch(lanes: readonly Lane[], due = 0): Wait {
  return lanes.reduce<Wait>((wait, lane, index) => look(wait, lane, index >= due, (index + 1) * 1_000), beginWait(0))
}

function times(count: number, lane: Partial<Lane> = {}): Lane[] {
  return Array.from({ length: count }, () => ({ ...well, ...lane }))
}

test('a lease that runs is a standstill: whoever strikes a process starts the clock', () => {
  assert.equal(watch(times(40), 40).standstillMsMax, 40_000)
  assert.equal(watch(times(40, { isOpen: true, status: 'disabled' }), 40).standstillMsMax, 40_000)
})

test('what is due and could be taken stands still until it is', () => {
  const wait = watch(times(50, { head: 'a' }), 11)
  assert.equal(wait.standstillMsMax, 50_000)
  assert.deepEqual(wait.seen, { inactive: 0, breaker: 0, queue: 0 })
})

test('the clock rests while a subscription is inactive or its breaker is open, and goes on afterwards', () => {
  const wait = watch([...times(20, { status: 'inactive' }), ...times(20, { isOpen: true }), ...times(10)], 5)
  assert.equal(wait.standstillMsMax, 15_000)
  assert.deepEqual(wait.seen, { inactive: 15, breaker: 20, queue: 0 })
})

test('an open breaker keeps nothing of a deleted subscription: it is ended without a call', () => {
  assert.equal(watch(times(30, { status: 'deleted', isOpen: true })).standstillMsMax, 30_000)
})

test('a queue is a reason while its head moves, and none when others are taken past it', () => {
  const moving = Array.from({ length: 30 }, (_, index) => ({ ...well, head: String(index) }))
  assert.equal(watch(moving).standstillMsMax, 2_000)
  assert.equal(watch([...moving, ...times(31, { head: 'stuck' })]).standstillMsMax, 30_000)
})

test('the lease counts once, however often the queue moves afterwards', () => {
  const moving = Array.from({ length: 20 }, (_, index) => ({ ...well, head: String(index) }))
  assert.equal(watch([...times(11), ...moving, ...times(36, { head: 'stuck' })], 11).standstillMsMax, 46_000)
})

test('what moved before its lease was over is no reason', () => {
  const moving = Array.from({ length: 30 }, (_, index) => ({ ...well, head: String(index) }))
  assert.equal(watch([...moving, ...times(10, { head: 'stuck' })], 30).standstillMsMax, 40_000)
})
