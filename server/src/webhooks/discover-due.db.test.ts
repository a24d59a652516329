import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { testNode } from '../../test/support/test-node.ts'
import { systemClock } from '../lib/clock.ts'

test('looking for what is due takes a tenth of the time at most', async (t) => {
  const database = await testDatabase(t)
  let nowMs = 0
  let looks = 0
  let lookMs = 440
  const clock = { ...systemClock, elapsed: () => nowMs }
  const { pools, dispatcher } = testNode(database, { clock, discoverEveryMs: 500 })
  const query = pools.engine.query.bind(pools.engine)
  pools.engine.query = async (asked) => {
    const isLook = asked.name === 'delivery.find_due_subscriptions'
    if (isLook) nowMs += lookMs
    if (isLook) looks++
    return await query(asked)
  }
  const looksWithin = async (ms: number) => {
    const before = looks
    for (const endMs = nowMs + ms; nowMs < endMs; nowMs += 10) await dispatcher.round()
    return looks - before
  }
  assert.equal(await looksWithin(44_000), 10)
  lookMs = 1
  assert.ok((await looksWithin(10_000)) >= 10)
})
