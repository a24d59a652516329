import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { suite, test } from 'node:test'
import { startDaybook } from '../support/daybook-process.ts'
import { sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'
import { assertHolds, beginRun, publish, repeatUnknown, settled, subscribe, unknown } from './fault-run.ts'

/** Shorter than a lease, longer than every timer of the program. */
const STALL_MS = 5_000

suite('a process', { concurrency: 2 }, () => {
  test('that stalls for five seconds keeps its leases: what it had under way is not taken from it, copies follow time-outs only (F36)', async (t) => {
    const run = await beginRun(t)
    const env = { DATABASE_URL: run.databaseUrl, DAYBOOK_RETRY_SCHEDULE: '1' }
    const [stalled, other] = [await startDaybook(t, env), await startDaybook(t, env)]
    await subscribe(run, other.url, '/c1/s1', { concurrency: 8 })
    run.receivers.behave('/c1/s1', 'recovers')
    const load = publish(run, stalled.url, 40)
    await until('calls are under way', () => run.receivers.open > 0)
    stalled.kill('SIGSTOP')
    await publish(run, other.url, 40)
    await delay(STALL_MS)
    stalled.kill('SIGCONT')
    await load
    await settled(run)
    await assertHolds(run, other.url)
    assert.equal(await sqlValue(run.owner, `select count(*) from webhook_logs where reason = 'lease_expired'`), 0)
  })

  test('after the other, restarted while publishers go on: each publish is taken by one of them, nobody is called twice (F33)', async (t) => {
    const run = await beginRun(t)
    const env = { DATABASE_URL: run.databaseUrl }
    const servers = [await startDaybook(t, env), await startDaybook(t, env)]
    const [first, second] = servers
    assert.ok(first && second)
    await subscribe(run, first.url, '/c1/s1')
    const [load, otherLoad] = [
      publish(run, first.url, 150, { atOnce: 4 }),
      publish(run, second.url, 300, { atOnce: 4 }),
    ]
    await until('events flow', () => run.receivers.arrivals.length > 50)
    assert.equal(await first.stop(), 0)
    await load
    const again = await startDaybook(t, env)
    assert.equal(await second.stop(), 0)
    await otherLoad
    await repeatUnknown(run, again.url)
    assert.equal(unknown(run).length, 0)
    await settled(run)
    const verdict = await assertHolds(run, again.url)
    assert.equal(verdict.duplicated, 0)
    assert.equal(await sqlValue(run.owner, `select count(*) from webhook_logs where outcome = 'unknown'`), 0)
  })
})
