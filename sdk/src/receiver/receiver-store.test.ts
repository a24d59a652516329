import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryStore } from './receiver-store.ts'

test('a key is claimed once until it is released, its lease ends, or what was done is forgotten', () => {
  let nowMs = 0
  const store = memoryStore({ now: () => nowMs })
  assert.equal(store.claim('a', 100), 'claimed')
  assert.equal(store.claim('a', 100), 'busy')
  void store.release('a')
  assert.equal(store.claim('a', 100), 'claimed')
  nowMs = 100
  assert.equal(store.claim('a', 100), 'claimed')
  void store.complete('a', 1_000)
  nowMs = 1_099
  assert.equal(store.claim('a', 100), 'done')
  nowMs = 1_100
  assert.equal(store.claim('a', 100), 'claimed')
})

test('when it is full the oldest are forgotten', () => {
  const store = memoryStore({ keysMax: 2 })
  for (const key of ['a', 'b', 'c']) {
    assert.equal(store.claim(key, 1_000), 'claimed')
    void store.complete(key, 1_000)
  }
  assert.deepEqual(
    ['c', 'b'].map((key) => store.claim(key, 1_000)),
    ['done', 'done'],
  )
  assert.equal(store.claim('a', 1_000), 'claimed')
})
