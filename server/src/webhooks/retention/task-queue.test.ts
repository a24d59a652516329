import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Task } from './task-queue.ts'
import { TaskQueue } from './task-queue.ts'

const task = (companyId: string, eventName: string, after = 0): Task => ({
  companyId,
  what: 'payloads',
  eventName,
  after,
})

function takeAll(queue: TaskQueue): readonly string[] {
  const taken: string[] = []
  for (let next = queue.take(); next; next = queue.take()) taken.push(`${next.companyId}${next.eventName}`)
  return taken
}

test('a company with many tasks keeps no other waiting for more than one of them', () => {
  const queue = new TaskQueue()
  for (const name of ['1', '2', '3']) queue.add(task('a', name))
  queue.add(task('b', '1'))
  assert.deepEqual(takeAll(queue), ['a1', 'b1', 'a2', 'a3'])
  assert.ok(queue.isEmpty)
})

test('a task that is there already goes on where it was', () => {
  const queue = new TaskQueue()
  queue.add(task('a', '1', 70))
  queue.add(task('a', '1'))
  assert.equal(queue.take()?.after, 70)
  assert.equal(queue.take(), undefined)
})
