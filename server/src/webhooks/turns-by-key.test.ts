import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TurnsByKey } from './turns-by-key.ts'

const longMs = 10_000

test('beyond the bound, those of one key wait in order and those of another do not wait', async () => {
  const turns = new TurnsByKey(2)
  const order: string[] = []
  const take = async (key: string, name: string): Promise<void> => {
    assert.equal(await turns.take(key, longMs), true)
    order.push(name)
  }
  await take('a', 'a1')
  await take('a', 'a2')
  const waiting = [take('a', 'a3'), take('a', 'a4')]
  await take('b', 'b1')
  assert.deepEqual(order, ['a1', 'a2', 'b1'])
  turns.give('a')
  await waiting[0]
  turns.give('a')
  await waiting[1]
  assert.deepEqual(order, ['a1', 'a2', 'b1', 'a3', 'a4'])
})

test('who waited too long is passed over, and holds nothing', async () => {
  const turns = new TurnsByKey(1)
  assert.equal(await turns.take('a', longMs), true)
  assert.equal(await turns.take('a', 10), false)
  const next = turns.take('a', longMs)
  turns.give('a')
  assert.equal(await next, true)
  turns.give('a')
  assert.equal(await turns.take('a', 10), true)
})
