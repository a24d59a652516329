import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { call, textOf } from '../support/api.ts'
import { startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import { endAll } from '../support/job-run.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { sql, sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'

const EVENTS = 2_000

/** Whoever works on the job: killed in the middle of a slice, or between two. */
const kills = ['job.before_commit=kill@3', 'job.after_commit=kill@3', 'job.before_commit=kill@2']

suite('a kill', { concurrency: 1 }, () => {
  test('[goes-on-by-itself] of whoever works on a job, three times: the chosen deliveries are retried once, the others never', async (t) => {
    const { url: databaseUrl, pools } = await testDatabase(t)
    const receiver = await scriptedReceiver(t)
    const env = { DATABASE_URL: databaseUrl }
    const router = await startDaybook(t, { ...env, DAYBOOK_ROLES: 'api,router' })
    const subscribe = async (path: string): Promise<string> => {
      const body = { webhook_url: receiver.url + path, event_names: ['*'], concurrency: 64 }
      return textOf(await call(router.url, 'POST', '/events/subscriptions', body), 'id')
    }
    const [chosen, other] = [await subscribe('/chosen'), await subscribe('/other')]
    for (let batch = 0; batch < EVENTS / 1_000; batch++) {
      const events = Array.from({ length: 1_000 }, () => ({ event_name: 'fault.tried', payload: {}, id: newId() }))
      const { status } = await call(router.url, 'POST', '/events/batch', { events })
      assert.equal(status, 201)
    }
    const pending = 'select count(*) from webhook_deliveries'
    await until('all is routed', async () => (await sqlValue(pools.owner, pending)) === 2 * EVENTS)
    await endAll(pools, 'failed', 'http_500', await sqlValue(pools.owner, 'select id from companies'))

    // From here on there is a dispatcher, which is not killed: every attempt is the job's doing.
    await startDaybook(t, { ...env, DAYBOOK_ROLES: 'dispatcher,api' })
    const order = { filter: { subscription_id: chosen }, expected_count: EVENTS }
    const started = await call(router.url, 'POST', '/events/deliveries/retry', order)
    assert.equal(started.status, 202, JSON.stringify(started.body))
    const jobPath = `/events/jobs/${textOf(started, 'id')}`
    const reached: unknown[] = []
    for (const kill of kills) {
      const maintenance = { ...env, DAYBOOK_ROLES: 'api,maintenance', DAYBOOK_FAILPOINTS: kill }
      const victim = await startDaybook(t, maintenance).catch(() => undefined)
      if (victim) assert.equal(await victim.ended, 'SIGKILL')
      const { body } = await call(router.url, 'GET', jobPath)
      assert.equal(body['state'], 'running')
      reached.push(body['done'])
    }
    assert.ok(Number(reached[0]) > 0 && Number(reached[2]) < EVENTS, `killed at ${reached.join(', ')}`)
    await startDaybook(t, { ...env, DAYBOOK_ROLES: 'api,maintenance' })
    const hasEnded = async () => {
      const { body } = await call(router.url, 'GET', jobPath)
      return body['state'] !== 'running' && body
    }
    const job = await until('the job has ended', hasEnded, 60_000)
    await until('all is delivered', async () => (await sqlValue(pools.owner, pending)) === 0, 60_000)

    assert.deepEqual(
      [job['state'], job['total'], job['done'], job['skipped'], job['failed'], job['last_error']],
      ['succeeded', EVENTS, EVENTS, 0, 0, null],
    )
    assert.deepEqual(new Set(receiver.calls.map(({ path }) => path)), new Set(['/chosen']))
    assert.equal(receiver.calls.length, EVENTS)
    assert.equal(new Set(receiver.calls.map(({ id }) => id)).size, EVENTS)
    const histories = `
      select subscription_id, history, count(*) as n
        from (select subscription_id, string_agg(attempt_no || ' ' || outcome, ', ' order by attempt_no) as history
                from webhook_logs group by subscription_id, delivery_id) l
       group by 1, 2 order by 2 desc`
    assert.deepEqual(await sql(pools.owner, histories), [
      { subscription_id: chosen, history: '1 failed, 2 delivered', n: EVENTS },
      { subscription_id: other, history: '1 failed', n: EVENTS },
    ])
    const events = `select event_name, count(*) as n from event_audit_trail where event_name like 'daybook.job.%' group by 1 order by 1`
    await until('its end is told of', async () => (await sql(pools.owner, events)).length === 2)
    assert.deepEqual(await sql(pools.owner, events), [
      { event_name: 'daybook.job.started', n: 1 },
      { event_name: 'daybook.job.succeeded', n: 1 },
    ])
  })
})
