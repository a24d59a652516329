import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uuidV7 } from './uuid-v7.ts'

test('ids are version 7 UUIDs of their time and rise strictly within a millisecond', () => {
  const timeMs = Date.parse('2022-02-22T19:22:22Z')
  let previous = uuidV7(timeMs)
  assert.ok(previous.startsWith('017f22e2-79b0-7'), previous)
  for (let made = 1; made < 10_000; made++) {
    const id = uuidV7(timeMs)
    assert.match(id, /^017f22e2-79[0-9a-f]{2}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.ok(id > previous)
    previous = id
  }
})
