import { randomUUID } from 'node:crypto'
import type { Pools } from '../../src/db/pools.ts'
import { openPools } from '../../src/db/pools.ts'
import { Leadership } from '../../src/db/leadership.ts'
import { asCompany } from '../../src/db/transaction.ts'
import { systemActor } from '../../src/events/administrative-event.ts'
import { Publisher } from '../../src/events/publisher.ts'
import { RecentEvents } from '../../src/events/recent-events.ts'
import { Router } from '../../src/events/router.ts'
import type { CompanySettings } from '../../src/identity/companies.ts'
import { createCompany } from '../../src/identity/companies.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { DisableDue } from '../../src/webhooks/count-failures.ts'
import { Deliverables } from '../../src/webhooks/deliverables.ts'
import { Dispatcher } from '../../src/webhooks/dispatcher.ts'
import type { Vault } from '../../src/vault/vault.ts'
import { createCallContext } from '../../src/webhooks/call-context.ts'
import { parseEgressAllow } from '../../src/webhooks/egress-policy.ts'
import { createFanOut } from '../../src/webhooks/fan-out.ts'
import type { CallContext } from '../../src/webhooks/make-call.ts'
import type { RetrySchedule } from '../../src/webhooks/retry.ts'
import { defaultRetrySchedule } from '../../src/webhooks/retry.ts'
import { SubscriptionSets } from '../../src/webhooks/subscription-set.ts'
import type { SubscriptionRow } from '../../src/webhooks/subscription-store.ts'
import type { SubscriptionInput } from '../../src/webhooks/subscriptions.ts'
import { createSubscription } from '../../src/webhooks/subscriptions.ts'
import type { TestDatabase } from './database.ts'
import { testVault } from './master-key.ts'
import { sqlValue } from './sql.ts'
import { until } from './until.ts'

/** Receivers of tests are on this machine. */
export const allow = parseEgressAllow('127.0.0.0/8')

/** A process of Daybook without its loops: each round is run by hand. It has connections of its own. */
export interface TestNode {
  readonly pools: Pools
  readonly publisher: Publisher
  readonly router: Router
  readonly leadership: Leadership
  readonly dispatcher: Dispatcher
  readonly calls: CallContext
  /** Subscriptions that were found to have failed too often. */
  readonly due: DisableDue[]
  readonly errors: unknown[]
  /** Results that came too late. */
  fenced: number
  /** Routes until the outbox is empty. */
  route(): Promise<void>
  /** Claims and calls until nothing is due and every result is written. */
  dispatch(): Promise<void>
  close(): Promise<void>
}

export interface TestNodeOptions {
  readonly clock?: Clock
  readonly vault?: Vault
  readonly schedule?: RetrySchedule
  readonly slotsMax?: number
  /** By default every round asks the database. */
  readonly discoverEveryMs?: number
  readonly eventsPerRound?: number
  readonly deliveriesPerSlice?: number
  readonly deliveriesPerBatch?: number
  /** Calls that fail in a row until a breaker opens; by default none does, so that no test waits for one. */
  readonly failuresMax?: number
  /** False: the router hands nothing over, every delivery is claimed from the database. */
  readonly handsOver?: boolean
}

const IDLE_MS = 25

export function testNode(database: TestDatabase, options: TestNodeOptions = {}): TestNode {
  const { clock = systemClock, schedule = defaultRetrySchedule, handsOver = true, slotsMax = 64 } = options
  const pools = openPools({ url: database.url, onError: () => {} })
  const recent = new RecentEvents()
  const sets = new SubscriptionSets()
  const deliverables = new Deliverables(options.vault ?? testVault(pools))
  const calls = createCallContext({ allow, clock, version: 'test' })
  const dispatcher = new Dispatcher({
    pool: pools.engine,
    ...calls,
    recent,
    sets,
    deliverables,
    schedule,
    random: Math.random,
    slotsMax,
    failuresMax: options.failuresMax ?? Infinity,
    discoverEveryMs: options.discoverEveryMs ?? 0,
    onDisableDue: (marked) => void node.due.push(...marked),
    onFenced: (count) => void (node.fenced += count),
    onError: (error) => void node.errors.push(error),
  })
  const leadership = new Leadership({ db: pools.engine, clock: systemClock, name: 'router', holder: randomUUID() })
  const { deliveriesPerSlice, eventsPerRound, deliveriesPerBatch } = options
  const fanOut = createFanOut({
    recent,
    sets,
    deliverables,
    ...(handsOver && { handOver: dispatcher }),
    ...(deliveriesPerSlice !== undefined && { deliveriesPerSlice }),
    ...(deliveriesPerBatch !== undefined && { deliveriesPerBatch }),
  })
  const limits = { idleMs: IDLE_MS, ...(eventsPerRound !== undefined && { eventsPerRound }) }
  const router = new Router({ pool: pools.engine, leadership, recent, fanOut, ...limits })
  let closing: Promise<void> | undefined
  const node: TestNode = {
    pools,
    publisher: new Publisher({
      db: pools.engine,
      onCommitted: (events) => {
        for (const event of events) recent.add(event)
      },
    }),
    router,
    leadership,
    dispatcher,
    calls,
    due: [],
    errors: [],
    fenced: 0,
    route: async () => {
      while ((await router.round()) !== IDLE_MS);
    },
    dispatch: async () => {
      const unfinished = `select exists (select 1 from webhook_deliveries d join event_subscriptions s using (company_id)
         where s.id = d.subscription_id and (lease_token is not null or due_at <= now() and status in ('active', 'deleted')))`
      await until('every result is written', async () => {
        await dispatcher.round()
        return !(await sqlValue<boolean>(pools.engine, unfinished))
      })
    },
    close: async () => {
      closing ??= dispatcher.stop(0).then(async () => await pools.close())
      await closing
    },
  }
  database.closeFirst(node.close)
  return node
}

export async function newCompany(pools: Pools, settings: Partial<CompanySettings> = {}): Promise<string> {
  return (await createCompany(pools.engine, now(), { name: 'Test', settings })).id
}

export const now = () => ({ actor: systemActor, nowMs: Date.now() })

/** A subscription to every business event unless told otherwise. */
export async function subscribe(
  pools: Pools,
  companyId: string,
  input: Partial<SubscriptionInput> & { readonly webhook_url: string },
): Promise<SubscriptionRow & { readonly secret: string }> {
  const complete = { event_names: ['*'], timeout_ms: 5_000, ...input }
  const made = await asCompany(
    pools.api,
    companyId,
    async (db) => await createSubscription(db, testVault(pools), allow, now(), companyId, complete),
  )
  return { ...made.subscription, secret: made.secret.reveal() }
}

/** Deadlocks in this database so far; waits for the nodes' sessions to end, because they tell when they do. */
export async function countDeadlocks(database: TestDatabase): Promise<number> {
  const { owner } = database.pools
  const sessions = `select count(*) from pg_stat_activity
     where datname = current_database() and application_name = 'daybook_engine'`
  await until('the sessions of closed nodes are gone', async () => (await sqlValue(owner, sessions)) === 0)
  return await sqlValue(owner, 'select deadlocks from pg_stat_database where datname = current_database()')
}
