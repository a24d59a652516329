import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TurnTaker } from './turn-taker.ts'

test('after ten milliseconds of its own others have their turn before it goes on', async () => {
  let nowMs = 0
  const order: string[] = []
  const turns = new TurnTaker(() => nowMs)
  setImmediate(() => order.push('another'))
  nowMs = 9
  await turns.next()
  order.push('first step')
  nowMs = 10
  await turns.next()
  order.push('second step')
  assert.deepEqual(order, ['first step', 'another', 'second step'])
})
