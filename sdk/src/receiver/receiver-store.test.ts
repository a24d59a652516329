import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryStore } from './receiver-store.ts'

test('a key is claimed once until it is released, its lease ends, or what was done is forgotten', async () => {
  let nowMs = 0
  const store = memoryStore({ now: () => nowMs })
  assert.equal(await store.claim('a', 100), 'claimed')
  assert.equal(await store.claim('a', 100), 'busy')
  await store.release('a')
  assert.equal(await store.claim('a', 100), 'claimed')
  nowMs = 100
  assert.equal(await store.claim('a', 100), 'claimed')
  await store.complete('a', 1_000)
  nowMs = 1_099
  assert.equal(await store.claim('a', 100), 'done')
  nowMs = 1_100
  assert.equal(await store.claim('a', 100), 'claimed')
})

test('when it is full the oldest are forgotten', async () => {
  const store = memoryStore({ keysMax: 2 })
  for (const key of ['a', 'b', 'c']) {
    assert.equal(await store.claim(key, 1_000), 'claimed')
    await store.complete(key, 1_000)
  }
  assert.equal(await store.claim('c', 1_000), 'done')
  assert.equal(await store.claim('b', 1_000), 'done')
  assert.equal(await store.claim('a', 1_000), 'claimed')
})
