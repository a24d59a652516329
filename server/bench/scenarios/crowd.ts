import { withDatabase } from '../../src/cli/with-database.ts'
import { APPOINTMENT } from '../appointment.ts'
import type { Measured } from '../figures.ts'
import { percentile } from '../percentile.ts'
import { subscribe } from '../session.ts'
import type { Session } from '../session.ts'
import { sharedNowMs } from '../shared-clock.ts'

/** Of how many subscriptions an event is owed, whatever the crowd. */
const MATCHING = 10

/**
 * A company with ten subscriptions that match, and then with a crowd of others: half of them name other events, half name
 * this one and filter it out. Creating a subscription and routing an event should not notice them.
 */
export async function measureCrowd(session: Session): Promise<Measured> {
  const { size } = session
  for (let number = 0; number < MATCHING; number++) {
    await subscribe(session, '/crowd', {
      event_names: [APPOINTMENT],
      filter: { branch_id: 'berlin-mitte' },
      concurrency: 64,
    })
  }
  await rate(session) // so that what is measured is compiled
  const baseCreateMs = await createMs(session)
  const basePerS = await rate(session)
  await fill(session, size.crowd)
  await rate(session) // the crowd is read once
  const crowdCreateMs = await createMs(session)
  const crowdPerS = await rate(session)
  return {
    crowd_base_create_ms: baseCreateMs,
    crowd_create_ms: crowdCreateMs,
    crowd_create_ratio: crowdCreateMs / baseCreateMs,
    crowd_base_per_s: basePerS,
    crowd_per_s: crowdPerS,
    crowd_ratio: basePerS / crowdPerS,
  }
}

/**
 * Straight into the tables, as the interface would have made them one by one, in minutes. They are never called, so they
 * have no secrets.
 */
async function fill({ dataDir }: Session, count: number): Promise<void> {
  const id = `('018f0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid`
  const name = `case when n % 2 = 0 then 'bench.crowd' || n else '${APPOINTMENT}' end`
  const filter = `case when n % 2 = 1 then '{"branch_id":"branch-' || n || '"}' end`
  const rows = `select h.company_id, ${id} as id, h.subscription_version + n as version, 'https://example.com/crowd' as url,
        array[${name}] as names, ${filter} as filter
      from company_heads h, generate_series(1, ${count}) n`
  await withDatabase(
    { databaseUrl: undefined, dataDir },
    () => {},
    async ({ owner }) => {
      const run = async (text: string): Promise<void> => void (await owner.query({ name: '', text, values: [] }))
      await run(`insert into event_subscriptions
        (company_id, id, version, webhook_url, event_names, filter, status, concurrency, timeout_ms)
      select company_id, id, version, url, names, filter, 'active', 1, 1000 from (${rows}) x`)
      await run(`insert into event_subscription_versions
        (company_id, version, subscription_id, webhook_url, event_names, filter, status, concurrency, timeout_ms)
      select company_id, version, id, webhook_url, event_names, filter, status, concurrency, timeout_ms
        from event_subscriptions where webhook_url = 'https://example.com/crowd'`)
      await run(`insert into subscription_health (company_id, subscription_id)
      select company_id, id from event_subscriptions where webhook_url = 'https://example.com/crowd'`)
      await run(`update company_heads
        set subscription_version = subscription_version + ${count}, subscriptions = subscriptions + ${count}`)
    },
  )
}

function outsider(number: number): Parameters<typeof subscribe>[2] {
  if (number % 2 === 0) return { event_names: [`bench.crowd${number}`] }
  return { event_names: [APPOINTMENT], filter: { branch_id: `branch-${number}` } }
}

/** The median of creating one. */
async function createMs(session: Session): Promise<number> {
  const times: number[] = []
  for (let number = 0; number < 50; number++) {
    const beganMs = sharedNowMs()
    await subscribe(session, '/none', outsider(number))
    times.push(sharedNowMs() - beganMs)
  }
  return percentile(times, 0.5)
}

/** Events per second to the last of their ten receipts. They stay out of the ledger, where an event is received once. */
async function rate({ size, server, receiver, generator, apiKey }: Session): Promise<number> {
  const { url } = await server()
  const events = Math.ceil(size.endToEnd / MATCHING)
  const plan = { url, apiKey, names: [APPOINTMENT], events, batch: 100, connections: 8 }
  const { ids, sentAtMs } = await generator.ask('publish', plan)
  await receiver.ask('until', ids.length * MATCHING, size.receiptLimitMs)
  const { atMs } = await receiver.ask('take')
  if (atMs.length !== ids.length * MATCHING) throw new Error(`${atMs.length} of ${ids.length * MATCHING} were received`)
  return (ids.length / (atMs.reduce((last, at) => Math.max(last, at), 0) - (sentAtMs[0] ?? Number.NaN))) * 1_000
}
