import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allowanceOfRequest, spend, STEPS_MAX } from './allowance.ts'
import type { Allowance } from './allowance.ts'

test('no part is larger than asked for, or than what is left; what is not used stays', () => {
  const allowance: Allowance = { stepsLeft: 100, patternMsLeft: 50 }
  const use = (steps: number) => (part: Allowance) => {
    const given = part.stepsLeft
    part.stepsLeft -= steps
    part.patternMsLeft -= 1
    return given
  }
  assert.deepEqual([spend(allowance, 60, use(20)), allowance.stepsLeft], [60, 80])
  assert.deepEqual([spend(allowance, 100, use(90)), allowance.stepsLeft], [80, -10])
  assert.equal(spend(allowance, 60, use(0)), 0)
  assert.equal(allowance.patternMsLeft, 47)
})

test('what was used is gone also where the work ends with an error', () => {
  const allowance: Allowance = { stepsLeft: 100, patternMsLeft: 50 }
  const failing = (part: Allowance): never => {
    part.stepsLeft -= 30
    throw new Error('ended')
  }
  assert.throws(() => spend(allowance, 100, failing), /ended/)
  assert.equal(allowance.stepsLeft, 70)
})

test('a request of many payloads of the largest size may take as much for each as one alone', () => {
  for (const count of [1, 10, 60]) assert.ok(allowanceOfRequest(count * 262_144).stepsLeft >= 0.97 * count * STEPS_MAX)
})
