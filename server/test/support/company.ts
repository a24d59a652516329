import { randomUUID } from 'node:crypto'
import { Leadership } from '../../src/db/leadership.ts'
import type { Pools } from '../../src/db/pools.ts'
import type { Db } from '../../src/db/statement.ts'
import { asCompany } from '../../src/db/transaction.ts'
import type { Author } from '../../src/events/administrative-event.ts'
import { administrativeEvent } from '../../src/events/administrative-event.ts'
import type { NewEvent } from '../../src/events/event.ts'
import { headerOf } from '../../src/events/event.ts'
import { insertEvents } from '../../src/events/insert-events.ts'
import { RecentEvents } from '../../src/events/recent-events.ts'
import { Router } from '../../src/events/router.ts'
import { createCompany } from '../../src/identity/companies.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { eventDigest } from '../../src/lib/digest.ts'
import { newId } from '../../src/lib/ids.ts'
import type { ClaimedDelivery } from '../../src/webhooks/claim-due.ts'
import { claimDueDeliveries } from '../../src/webhooks/claim-due.ts'
import { parseEgressAllow } from '../../src/webhooks/egress-policy.ts'
import { Deliverables } from '../../src/webhooks/deliverables.ts'
import { createFanOut } from '../../src/webhooks/fan-out.ts'
import type { AttemptRecord } from '../../src/webhooks/record-results.ts'
import { recordResults } from '../../src/webhooks/record-results.ts'
import { SubscriptionSets } from '../../src/webhooks/subscription-set.ts'
import { createSubscription } from '../../src/webhooks/subscriptions.ts'
import { testVault } from './master-key.ts'

export const author: Author = { actor: { type: 'user', id: 'ann', name: 'Ann' }, nowMs: Date.now() }

/** A delivery that is being attempted, with what its result needs. */
export interface Leased extends ClaimedDelivery {
  readonly leaseToken: string
}

/** A company on a test database, moved by hand: what is published waits for `route`, what is owed for `claim`. */
export interface TestCompany {
  readonly id: string
  /** In a transaction of the api role. */
  asCompany<Result>(work: (db: Db) => Promise<Result>): Promise<Result>
  publish(...events: Partial<NewEvent>[]): Promise<readonly NewEvent[]>
  /** Gives positions and writes deliveries until nothing waits. */
  route(): Promise<void>
  subscribe(...eventNames: string[]): Promise<string>
  /** Leases what is due of a subscription. */
  claim(subscriptionId: string, leaseMs?: number): Promise<readonly Leased[]>
  /** Writes the result of an attempt; delivered with 200 unless told otherwise. */
  finish(delivery: Leased, result?: Partial<AttemptRecord>): Promise<void>
}

export async function testCompany(pools: Pools): Promise<TestCompany> {
  const { id } = await createCompany(pools.engine, { ...author, nowMs: Date.now() }, { name: 'Test' })
  const fanOut = createFanOut({
    clock: systemClock,
    recent: new RecentEvents(),
    deliverables: new Deliverables(testVault(pools)),
    sets: new SubscriptionSets(),
  })
  const leadership = new Leadership({ db: pools.engine, clock: systemClock, name: 'router', holder: randomUUID() })
  const router = new Router({ pool: pools.engine, leadership, recent: new RecentEvents(), fanOut, idleMs: 25 })
  const company: TestCompany = {
    id,
    asCompany: async (work) => await asCompany(pools.api, id, work),
    publish: async (...events) => {
      const made = events.map((event) => makeEvent(id, event))
      await insertEvents(pools.engine, made)
      return made
    },
    route: async () => {
      while ((await router.round()) !== 25);
      await leadership.release() // for the router of the next company
    },
    subscribe: async (...eventNames) => {
      const input = { webhook_url: 'https://example.com/hook', event_names: eventNames }
      const { subscription } = await company.asCompany(
        async (db) => await createSubscription(db, testVault(pools), parseEgressAllow(''), author, id, input),
      )
      return subscription.id
    },
    claim: async (subscriptionId, leaseMs = 60_000) => {
      const wish = { subscriptionId, slots: 100 }
      const { leaseToken, deliveries } = await claimDueDeliveries(pools.engine, id, [wish], leaseMs - TIMEOUT_MS)
      return deliveries.map((delivery) => ({ ...delivery, leaseToken }))
    },
    finish: async (delivery, result) => {
      await recordResults(pools.engine, [{ ...makeResult(id, delivery), ...result }])
    },
  }
  return company
}

/** The deadline that a subscription has by default; a lease outlives it. */
const TIMEOUT_MS = 15_000

function makeEvent(companyId: string, event: Partial<NewEvent>): NewEvent {
  const base = administrativeEvent(
    { ...author, nowMs: Date.now() },
    { companyId, eventName: 'daybook.none', entity: { type: 'thing', id: '1' }, payload: {} },
  )
  const made = { ...base, id: newId(), eventName: 'thing.happened', ...event }
  return { ...made, digest: eventDigest(headerOf(made), made.salt, made.payload) }
}

export function makeResult(companyId: string, delivery: Leased): AttemptRecord {
  return {
    companyId,
    deliveryId: delivery.id,
    leaseToken: delivery.leaseToken,
    subscriptionId: delivery.subscription_id,
    eventId: delivery.event_id,
    eventName: 'thing.happened',
    position: delivery.position,
    replayId: delivery.replay_id ?? undefined,
    attemptNo: delivery.attempts,
    outcome: 'delivered',
    reason: 'http_200',
    detail: undefined,
    gone: false,
    delayMs: undefined,
    webhookUrl: 'https://example.com/hook',
    requestHeaders: [['webhook-id', delivery.event_id]],
    responseStatus: 200,
    responseHeaders: [['content-type', 'text/plain']],
    responseBody: Buffer.from('ok'),
    responseTruncated: false,
    timings: { connectMs: 2, firstByteMs: 5, totalMs: 8 },
    startedAt: new Date().toISOString(),
  }
}
