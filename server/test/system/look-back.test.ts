import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { call } from '../support/api.ts'
import { testDatabase } from '../support/database.ts'
import { API_KEY, runDaybook, startDaybook } from '../support/daybook-process.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { until } from '../support/until.ts'

/** A server that recorded three events about an order and posted two of them in vain, as the command line sees it. */
async function begin(t: TestContext): Promise<(...args: readonly string[]) => Promise<string>> {
  const receiver = await scriptedReceiver(t)
  receiver.answer(() => ({ status: 404 }))
  const { url: databaseUrl } = await testDatabase(t)
  const { url } = await startDaybook(t, { DATABASE_URL: databaseUrl, DAYBOOK_RETRY_SCHEDULE: '3600' })
  const wanted = { webhook_url: receiver.url, event_names: ['order.placed', 'order.paid'] }
  assert.equal((await call(url, 'POST', '/events/subscriptions', wanted)).status, 201)
  const order = { entity_type: 'order', entity_id: '7' }
  for (const event of [
    { event_name: 'order.placed', payload: { total: 10, state: 'new' }, ...order },
    { event_name: 'order.paid', payload: { state: 'paid' }, ...order },
    {
      event_name: 'parcel.sent',
      payload: {},
      entity_type: 'parcel',
      entity_id: '9',
      related: [{ type: 'order', id: '7' }],
    },
  ]) {
    assert.equal((await call(url, 'POST', '/events', event)).status, 201)
  }
  const run = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await runDaybook(args, { DAYBOOK_URL: url, DAYBOOK_API_KEY: API_KEY })
    assert.deepEqual([exitCode, stderr], [0, ''], args.join(' '))
    return stdout
  }
  await until('both calls are counted', async () => {
    const { totals } = JSON.parse(await run('stats', '--json')) as { totals: { events: number; attempts: number } }
    return totals.events === 3 && totals.attempts === 2
  })
  return run
}

test('the command line tells a story, its state, what was called and how often', async (t) => {
  const run = await begin(t)

  const story = await run('timeline', 'order:7', '--related')
  assert.match(story, /order\.placed .*total: 10, state: "new"/)
  assert.match(story, /order\.paid .*state: "paid" \(was "new"\)/)
  assert.match(story, /parcel\.sent +related +parcel:9/)
  assert.doesNotMatch(await run('timeline', 'order:7'), /parcel/)
  assert.equal(await run('timeline', 'order:8'), 'No events\n')
  assert.match(await run('timeline', 'order:7', '--at', 'now'), /^state +paid\ntotal +10\n$/)
  assert.match(await run('timeline', 'order:7', '--at', '-1h'), /^No state/)

  const calls = await run('logs', '--outcome', 'will_retry', '--from', '-1h')
  assert.equal(calls.match(/http_404/g)?.length, 2)
  const [first] = (await run('logs', '--name', 'order.paid', '--json')).split('\n')
  const { id } = JSON.parse(first ?? '') as { id: string }
  assert.match(await run('logs', 'show', id), /^event_name +order\.paid$/m)

  const figures = await run('stats', '--bucket', 'hour')
  assert.match(figures, /^events +3$/m)
  assert.match(figures, /^NOT DELIVERED BY +CALLS\nhttp_4xx +2$/m)
  assert.match(figures, /^FAILING SUBSCRIPTION/m)
})
