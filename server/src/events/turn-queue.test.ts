import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TurnQueue } from './turn-queue.ts'

function drained(queue: TurnQueue<string>): string[] {
  const items: string[] = []
  for (let item = queue.next(); item !== undefined; item = queue.next()) items.push(item)
  return items
}

test('owners take turns, each in the order of arrival', () => {
  const queue = new TurnQueue<string>({ perOwner: 8, total: 8 })
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) assert.ok(queue.add(item.charAt(0), item))
  assert.deepEqual(drained(queue), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
})

test('one owner can have so many waiting, all together so many', () => {
  const queue = new TurnQueue<string>({ perOwner: 2, total: 3 })
  const added = ['a1', 'a2', 'a3', 'b1', 'c1'].filter((item) => queue.add(item.charAt(0), item))
  assert.deepEqual(added, ['a1', 'a2', 'b1'])
  assert.equal(queue.next(), 'a1')
  assert.ok(queue.add('c', 'c1'))
  assert.deepEqual(drained(queue), ['b1', 'a2', 'c1'])
})
