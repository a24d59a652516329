import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spend, withinPurse } from '../lib/filter/purse.ts'
import { JudgingTime } from './judging-time.ts'

function turned(): { readonly elapsed: () => number; ms: number } {
  const clock = { ms: 1_000, elapsed: () => clock.ms }
  return clock
}

test('the time is up when it has gone since it was made', () => {
  const clock = turned()
  const time = new JudgingTime(clock, 250)
  clock.ms += 249
  assert.equal(time.isUp(), false)
  clock.ms += 1
  assert.equal(time.isUp(), true)
})

test('after a costly filter the clock is looked at, after cheap ones now and then', () => {
  const clock = turned()
  const time = new JudgingTime(clock, 250)
  clock.ms += 300
  withinPurse(spend, 10)
  assert.equal(time.isUpAfterFilter(), false)
  withinPurse(spend, 50_000)
  assert.equal(time.isUpAfterFilter(), true)
  withinPurse(spend, 10)
  const asked = Array.from({ length: 16 }, () => time.isUpAfterFilter())
  assert.equal(asked.filter(Boolean).length, 1)
})
