import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loggableError, reviveError } from './loggable-error.ts'

test('an error that came from another thread is logged as it would have been there', () => {
  const cause = Object.assign(new RangeError('too far'), { code: 'E_FAR' })
  const there = loggableError(
    Object.assign(new TypeError('broken', { cause }), { code: '57P01', routine: 'x', secret: 's' }),
  )
  const here = loggableError(reviveError(structuredClone(there)))
  assert.deepEqual(here, there)
  assert.equal(here.cause?.code, 'E_FAR')
})

test('what is left out of an error that quotes data stays left out', () => {
  const there = loggableError(Object.assign(new Error('invalid input: "payload"'), { code: '22P02' }))
  assert.equal(there.message, '(left out)')
  assert.deepEqual(loggableError(reviveError(there)), there)
})
