import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../support/database.ts'
import { ledgerOf, makeAllDue } from '../support/ledger.ts'
import { newEvent } from '../support/new-event.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { newCompany, subscribe, testNode } from '../support/test-node.ts'
import { turnedClock } from '../support/turned-clock.ts'

const HOUR_MS = 3_600_000

for (const [direction, turnMs] of [
  ['forward', HOUR_MS],
  ['back', -HOUR_MS],
] as const) {
  test(`a clock that jumps an hour ${direction} fires no retry early, holds none back and ends no lease (F19)`, async (t) => {
    const database = await testDatabase(t)
    const receiver = await scriptedReceiver(t)
    const clock = turnedClock()
    const node = testNode(database, { clock, schedule: [600_000] })
    const companyId = await newCompany(node.pools)
    const { id } = await subscribe(node.pools, companyId, { webhook_url: `${receiver.url}/hook` })
    receiver.answer(() => {
      clock.turn(turnMs) // in the middle of the attempt
      return { status: 500 }
    })
    await node.publisher.publish([newEvent(companyId)])
    await node.route()
    await node.dispatch()
    assert.equal(receiver.calls.length, 1)
    const [first] = await ledgerOf(database.pools.owner, id)
    assert.equal(first?.outcome, 'will_retry')
    const delayMs = first?.delay_ms ?? 0
    assert.ok(delayMs > 500_000 && delayMs < 700_000, `${delayMs} ms by the clock of the database`)

    await node.dispatcher.round()
    assert.equal(receiver.calls.length, 1, 'an hour on this clock is no hour on the clock of the database')
    receiver.answer(() => ({ status: 204 }))
    await makeAllDue(database.pools.owner, id)
    await node.dispatch()
    const rows = await ledgerOf(database.pools.owner, id)
    assert.deepEqual(
      rows.map(({ outcome }) => outcome).sort(),
      ['delivered', 'will_retry'],
      'and no attempt is unknown',
    )
    assert.equal(node.fenced, 0)
  })
}
