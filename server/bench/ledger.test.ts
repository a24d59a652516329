import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ledger } from './ledger.ts'

const receipts = (...ids: string[]) => ({ ids, atMs: Float64Array.from(ids, (_, index) => index) })

test('an accepted event is lost until it is received', () => {
  const ledger = new Ledger()
  ledger.accept(['a', 'b'])
  ledger.receive(receipts('b'))
  assert.deepEqual([ledger.accepted, ledger.lost, ledger.duplicated], [2, 1, 0])
  ledger.receive(receipts('a'))
  assert.deepEqual([ledger.lost, ledger.duplicated], [0, 0])
})

test('every further copy of an event is counted, and the time of the first one stays', () => {
  const ledger = new Ledger()
  ledger.accept(['a'])
  ledger.receive(receipts('a', 'x', 'a'))
  ledger.receive(receipts('y', 'a'))
  assert.equal(ledger.duplicated, 2)
  assert.equal(ledger.receivedAtMs('a'), 0)
})

test('what was received without having been accepted makes up for nothing', () => {
  const ledger = new Ledger()
  ledger.accept(['a'])
  ledger.receive(receipts('b'))
  assert.deepEqual([ledger.lost, ledger.duplicated], [1, 0])
})
