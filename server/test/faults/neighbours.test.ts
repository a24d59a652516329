import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { suite, test } from 'node:test'
import { startDaybook } from '../support/daybook-process.ts'
import { until } from '../support/until.ts'
import { newCompany, OPERATOR_KEY } from '../system/new-company.ts'
import type { FaultRun, Other } from './fault-run.ts'
import { assertHolds, beginRun, publish, settled, subscribe } from './fault-run.ts'

/** Few slots, so that a neighbour that takes them all is noticed with few endpoints. */
const SLOTS = 48
/** For a machine that does other things meanwhile. */
const NOISE_MS = 400

suite('a neighbour', { concurrency: 1 }, () => {
  test('whose endpoints hang does not slow the others: their p99 stays within twice the baseline (F22)', async (t) => {
    const { run, url, well, ill } = await begin(t)
    for (let n = 0; n < 16; n++) {
      await subscribe(run, url, `/ill/${n}`, { timeout_ms: 1_000, concurrency: 8 }, ill)
      run.receivers.behave(`/ill/${n}`, 'hangs')
    }
    const baseline = await p99(run, url, well, 40)
    // 16 endpoints, half of whose calls take a second: 16 × 60 calls want ten times the slots that there are.
    const load = publish(run, url, 60, { atOnce: 4, other: ill })
    await until('calls hang', () => run.receivers.open > SLOTS / 4)
    const meanwhile = await p99(run, url, well, 40)
    assert.ok(meanwhile <= 2 * baseline + NOISE_MS, `p99 ${meanwhile} ms, ${baseline} ms before`)
    await load
    run.receivers.behaveWell()
    await settled(run)
    await assertHolds(run, url)
  })

  test('that floods does not slow the others: their p99 stays within twice the baseline (F23)', async (t) => {
    const { run, url, well, ill } = await begin(t)
    await subscribe(run, url, '/ill/1', { concurrency: SLOTS }, ill)
    run.receivers.behave('/ill/1', 'recovers')
    const baseline = await p99(run, url, well, 40)
    const load = publish(run, url, 2_000, { atOnce: 32, other: ill })
    await until('it floods', () => run.receivers.arrivals.filter(({ path }) => path === '/ill/1').length > 100)
    const meanwhile = await p99(run, url, well, 40)
    assert.ok(meanwhile <= 2 * baseline + NOISE_MS, `p99 ${meanwhile} ms, ${baseline} ms before`)
    await load
    await settled(run)
    await assertHolds(run, url)
  })

  test('endpoint that was away and is back is never called more often at once than it allows (F25)', async (t) => {
    const { run, url, well } = await begin(t)
    const path = '/away/1'
    await subscribe(run, url, path, { concurrency: 4, event_names: ['away.one'], timeout_ms: 1_000 }, well)
    run.receivers.behave(path, 'flaps')
    let most = 0
    const watching = new AbortController()
    const watch = (async () => {
      while (!watching.signal.aborted) {
        most = Math.max(most, run.receivers.openAt(path))
        await delay(1)
      }
    })()
    await publish(run, url, 300, { eventName: 'away.one', other: well })
    run.receivers.behave(path, 'recovers')
    await settled(run)
    watching.abort()
    await watch
    assert.ok(most >= 1 && most <= 4, `${most} calls at once`)
    await assertHolds(run, url)
  })
})

async function begin(
  t: Parameters<typeof beginRun>[0],
): Promise<{ run: FaultRun; url: string; well: Other; ill: Other }> {
  const run = await beginRun(t)
  const { url } = await startDaybook(t, {
    DATABASE_URL: run.databaseUrl,
    DAYBOOK_OPERATOR_KEY: OPERATOR_KEY,
    DAYBOOK_CALLS_MAX: String(SLOTS),
    DAYBOOK_RETRY_SCHEDULE: '1,1,1,1,1,1,1,1',
  })
  const settings = { allow_undeclared_events: true, disable_after_failures: 1_000 }
  const [well, ill] = [await newCompany(url, 'Well', settings), await newCompany(url, 'Ill', settings)]
  run.otherKeys.push(well.key, ill.key)
  await subscribe(run, url, '/well/1', { event_names: ['well.one'] }, well)
  return { run, url, well, ill }
}

/** Of the times from before a publish to the arrival of its event, ms. */
async function p99(run: FaultRun, url: string, other: Other, count: number): Promise<number> {
  const times: number[] = []
  for (let n = 0; n < count; n++) {
    const before = run.receivers.arrivals.filter(({ path }) => path === '/well/1').length
    const startedAt = performance.now()
    await publish(run, url, 1, { eventName: 'well.one', other })
    await until('it arrives', () => run.receivers.arrivals.filter(({ path }) => path === '/well/1').length > before)
    times.push(performance.now() - startedAt)
  }
  return Math.round(times.sort((a, b) => a - b).at(Math.floor(count * 0.99) - 1) ?? 0)
}
