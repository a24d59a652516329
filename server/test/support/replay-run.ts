import type { TestContext } from 'node:test'
import type { Db } from '../../src/db/statement.ts'
import { asCompany } from '../../src/db/transaction.ts'
import type { EventInput } from '../../src/events/prepare-events.ts'
import type { Job } from '../../src/webhooks/jobs/job-store.ts'
import { getJob } from '../../src/webhooks/jobs/job-store.ts'
import type { ReplayOrder } from '../../src/webhooks/replay/start-replay.ts'
import { planReplay, startReplay } from '../../src/webhooks/replay/start-replay.ts'
import type { SubscriptionInput } from '../../src/webhooks/subscriptions.ts'
import { testDatabase } from './database.ts'
import { jobRun } from './job-run.ts'
import { newEvent } from './new-event.ts'
import { sql } from './sql.ts'
import { newCompany, now, subscribe, testNode } from './test-node.ts'

interface Owed {
  readonly event_id: string
  readonly subscription_id: string
  readonly order_key: string | null
  readonly is_due: boolean
}

/** A company whose log, subscriptions and replays are moved by hand. */
export async function replayRun(t: TestContext) {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false })
  t.after(async () => await node.close())
  const { pools } = node
  const companyId = await newCompany(pools)
  const inCompany = async <Result>(work: (db: Db) => Promise<Result>) => await asCompany(pools.api, companyId, work)
  const run = jobRun(pools)
  const orderOf = (ids: readonly string[], order: Partial<ReplayOrder>): ReplayOrder => ({
    source: {},
    target: { subscription_ids: ids },
    mode: 'all',
    rate: 10_000,
    ...order,
  })
  return {
    database,
    node,
    pools,
    companyId,
    inCompany,
    run,
    subscribe: async (input: Partial<SubscriptionInput> = {}): Promise<string> =>
      (await subscribe(pools, companyId, { webhook_url: 'https://127.0.0.1/hook', ...input })).id,
    /** The ids, in the order of the positions. */
    publish: async (...inputs: readonly Partial<EventInput>[]): Promise<readonly string[]> => {
      const events = inputs.map((input) => newEvent(companyId, input))
      await node.publisher.publish(events)
      await node.route()
      return events.map(({ id }) => id)
    },
    plan: async (ids: readonly string[], order: Partial<ReplayOrder> = {}) =>
      await planReplay(inCompany, companyId, orderOf(ids, order)),
    start: async (ids: readonly string[], order: Partial<ReplayOrder> = {}, expectedCount?: number): Promise<Job> =>
      await startReplay(inCompany, now(), companyId, orderOf(ids, order), expectedCount),
    /** Slices until none may be taken, whatever their pace. */
    work: async (): Promise<void> => {
      for (let rounds = 0; rounds < 100; rounds++) {
        await sql(pools.owner, `update jobs set due_at = least(due_at, now()) where state in ('queued', 'running')`)
        if ((await run.worker.slice()) === undefined) return
      }
    },
    jobOf: async ({ id }: Pick<Job, 'id'>): Promise<Job> =>
      await inCompany(async (db) => await getJob(db, companyId, id)),
    /** Pending deliveries of a replay, in the order of positions. */
    owedBy: async ({ id }: Pick<Job, 'id'>): Promise<readonly Owed[]> =>
      await sql<Owed>(
        pools.engine,
        `select event_id, subscription_id, order_key, due_at < 'infinity' as is_due
           from webhook_deliveries where replay_id = $1 order by position, subscription_id`,
        [id],
      ),
  }
}
