import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { explainPending } from './delivery-view.ts'

const row = fc.record({
  attempts: fc.nat(9),
  first_attempt_no: fc.integer({ min: 1, max: 9 }),
  has_lease: fc.boolean(),
  is_ahead: fc.boolean(),
  is_blocked: fc.boolean(),
  subscription_status: fc.constantFrom('active', 'inactive', 'disabled', 'deleted'),
  last_reason: fc.option(fc.constantFrom('http_503', 'timeout')),
})

test('every pending delivery has a progress and a reason', () => {
  fc.assert(
    fc.property(row, (row) => {
      const { progress, reason } = explainPending(row)
      assert.match(reason, /^[a-z0-9_]+$/)
      assert.equal(progress === 'blocked', row.is_blocked)
      if (row.is_blocked) return
      assert.equal(progress === 'in_flight', row.has_lease && row.is_ahead)
      assert.equal(progress === 'held', row.subscription_status !== 'active' && progress !== 'in_flight')
      if (progress === 'waiting') assert.equal(row.attempts, 0)
    }),
  )
})
