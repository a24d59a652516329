import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { Leased, TestCompany } from '../../test/support/company.ts'
import { author, makeResult, testCompany } from '../../test/support/company.ts'
import { testDatabase } from '../../test/support/database.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import { countDeadlocks, subscribe, testNode } from '../../test/support/test-node.ts'
import type { Pools } from '../db/pools.ts'
import { systemClock } from '../lib/clock.ts'
import { ProblemError } from '../lib/problems.ts'
import { claimDueDeliveries } from './claim-due.ts'
import { enableSubscription } from './enable-subscription.ts'
import { Lanes } from './lanes.ts'
import type { AttemptRecord } from './record-results.ts'
import { ResultWriter } from './result-writer.ts'
import { cancelDelivery, retryDelivery, skipDelivery } from './retry-delivery.ts'
import { disableSubscription } from './subscriptions.ts'

const webhook_url = 'https://example.com/hook'

/** Each chain has one delivery that may be attempted, its first. */
const brokenChains = `
  select subscription_id, order_key, open, first_open, first
    from (
      select subscription_id, order_key, count(*) filter (where due_at < 'infinity') as open,
             min(position) filter (where due_at < 'infinity') as first_open, min(position) as first
        from webhook_deliveries where order_key is not null group by subscription_id, order_key
    ) c
   where open <> 1 or first_open <> first`

type Act =
  | { readonly act: 'publish'; readonly entities: readonly number[] }
  | { readonly act: 'claim' | 'die'; readonly slots: number; readonly outcomes: readonly Outcome[] }
  | { readonly act: 'cancel' | 'skip' | 'retry' | 'disable' | 'enable'; readonly which: number }

type Outcome = 'delivered' | 'failed' | 'will_retry'

const outcomes = fc.array(fc.constantFrom<Outcome>('delivered', 'delivered', 'failed', 'will_retry'), {
  minLength: 8,
  maxLength: 8,
})

const someAct: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ act: fc.constant('publish' as const), entities: fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }) }),
  fc.record({
    act: fc.constantFrom('claim' as const, 'claim' as const, 'die' as const),
    slots: fc.integer({ min: 1, max: 8 }),
    outcomes,
  }),
  fc.record({ act: fc.constantFrom('cancel' as const, 'skip' as const, 'retry' as const), which: fc.nat(20) }),
  fc.record({ act: fc.constantFrom('disable' as const, 'enable' as const, 'enable' as const), which: fc.nat(1) }),
)

/** What receivers see, judged as it happens. */
class Receiver {
  readonly faults: string[] = []
  /** Those that somebody asked to be taken out of their order. */
  readonly asked = new Set<string>()
  readonly #open = new Map<string, string>()
  readonly #last = new Map<string, number>()

  begin({ id, position, is_ordered }: Leased, chain: string): void {
    if (!is_ordered) {
      if (!this.asked.has(id)) this.faults.push(`${position} has lost its order in ${chain}`)
      return
    }
    if (this.#open.has(chain)) this.faults.push(`${position} overlaps in ${chain}`)
    if (position < (this.#last.get(chain) ?? 0)) this.faults.push(`${position} comes late in ${chain}`)
    this.#open.set(chain, id)
    this.#last.set(chain, position)
  }

  end({ id }: Leased, chain: string): void {
    if (this.#open.get(chain) === id) this.#open.delete(chain)
  }
}

/** Several dispatchers, the router and people, on one company with a subscription of either order. */
class World {
  readonly receiver = new Receiver()
  readonly #pools: Pools
  readonly #company: TestCompany
  readonly #subscriptions: readonly string[]
  readonly #entities = new Map<string, string>()
  readonly #written = new Map<string, () => void>()
  readonly #writers: readonly ResultWriter<string>[]
  #routing: Promise<void> = Promise.resolve()

  constructor(pools: Pools, company: TestCompany, subscriptions: readonly string[]) {
    this.#pools = pools
    this.#company = company
    this.#subscriptions = subscriptions
    this.#writers = [0, 1].map(
      () =>
        new ResultWriter<string>({
          pool: pools.engine,
          clock: systemClock,
          lanes: new Lanes(64),
          breakerRule: { failuresMax: Infinity, openMaxMs: 1_000, random: Math.random },
          onDisableDue: () => {},
          onError: (error) => void this.receiver.faults.push(String(error)),
          onWritten: (calls) => {
            for (const call of calls) this.#written.get(call)?.()
          },
        }),
    )
  }

  async run(act: Act): Promise<void> {
    switch (act.act) {
      case 'publish': {
        const events = act.entities.map((id) => ({ entity: { type: 'order', id: String(id) } }))
        for (const { id, entity } of await this.#company.publish(...events)) this.#entities.set(id, entity?.id ?? '')
        this.#routing = this.#routing.then(async () => await this.#company.route())
        return await this.#routing
      }
      case 'claim':
        return await this.claim(act.slots, act.outcomes)
      case 'die':
        return await this.#die(act.slots)
      case 'cancel':
      case 'skip':
      case 'retry':
        return await this.#ask(act.act, act.which)
      case 'disable':
      case 'enable':
        return await this.turn(act.act, act.which)
    }
  }

  /** What is published while a subscription is disabled is not owed to it; what waits, waits on. */
  async turn(what: 'disable' | 'enable', which: number): Promise<void> {
    const id = this.#subscriptions[which] ?? ''
    const change = { disable: disableSubscription, enable: enableSubscription }[what]
    await this.#company.asCompany(async (db) => void (await change(db, author, this.#company.id, id)))
  }

  /** Answers when the results are written. */
  async claim(slots: number, outcomes: readonly Outcome[]): Promise<void> {
    const leased = await this.#lease(slots)
    await Promise.all(leased.map(async (one, number) => await this.#call(one, outcomes[number] ?? 'delivered')))
  }

  async #lease(slots: number): Promise<readonly Leased[]> {
    const wishes = this.#subscriptions.map((subscriptionId) => ({ subscriptionId, slots }))
    const claim = await claimDueDeliveries(this.#pools.engine, this.#company.id, wishes, 60_000)
    const leased = claim.deliveries.map((one) => ({ ...one, leaseToken: claim.leaseToken }))
    return leased.sort((a, b) => a.position - b.position)
  }

  async #call(leased: Leased, outcome: Outcome): Promise<void> {
    this.receiver.begin(leased, this.#chainOf(leased))
    const result: Partial<AttemptRecord> =
      outcome === 'will_retry' ? { outcome, reason: 'http_503', delayMs: 0 } : { outcome, reason: 'http_200' }
    const record = { ...makeResult(this.#company.id, leased), ...result }
    await new Promise((resolve) => setImmediate(resolve))
    this.receiver.end(leased, this.#chainOf(leased))
    const call = `${leased.id}${leased.attempts}`
    const written = new Promise<void>((resolve) => this.#written.set(call, resolve))
    this.#writers[leased.position % 2]?.add(call, record, leased.is_ordered, 60_000)
    await written
  }

  /** A process that makes its calls and is gone before it can tell. */
  async #die(slots: number): Promise<void> {
    for (const leased of await this.#lease(slots)) {
      this.receiver.begin(leased, this.#chainOf(leased))
      this.receiver.end(leased, this.#chainOf(leased))
      const expire = 'update webhook_deliveries set due_at = now() where id = $1 and lease_token = $2'
      await sql(this.#pools.engine, expire, [leased.id, leased.leaseToken])
    }
  }

  async #ask(what: 'cancel' | 'skip' | 'retry', which: number): Promise<void> {
    const known =
      what === 'retry'
        ? 'select distinct delivery_id as id from webhook_logs order by id'
        : 'select id from webhook_deliveries order by position, id'
    const rows = await sql<{ id: string }>(this.#pools.engine, known)
    const id = rows[which % Math.max(1, rows.length)]?.id
    if (id === undefined) return
    if (what !== 'cancel') this.receiver.asked.add(id)
    const change = { cancel: cancelDelivery, skip: skipDelivery, retry: retryDelivery }[what]
    try {
      await this.#company.asCompany(async (db) => await change(db, author, this.#company.id, id))
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
    }
  }

  #chainOf({ subscription_id, event_id }: Leased): string {
    const isPerEntity = subscription_id === this.#subscriptions[0]
    return isPerEntity ? `entity ${this.#entities.get(event_id)}` : 'subscription'
  }
}

suite('ordered deliveries', () => {
  test('[order-per-entity] whatever happens at once, calls of an order never overlap and come in order', async (t) => {
    const database = await testDatabase(t)
    const node = testNode(database)
    const { pools } = node
    const property = fc.asyncProperty(
      fc.array(fc.array(someAct, { maxLength: 8 }), { minLength: 2, maxLength: 4 }),
      async (actors) => {
        const company = await testCompany(pools)
        const input = { webhook_url, event_names: ['thing.happened'], concurrency: 8 }
        const perEntity = await subscribe(pools, company.id, { ...input, ordering: 'entity' })
        const whole = await subscribe(pools, company.id, { ...input, ordering: 'subscription' })
        const world = new World(pools, company, [perEntity.id, whole.id])
        await world.run({ act: 'publish', entities: [0, 1, 0, 2, 0] })
        await Promise.all(
          actors.map(async (acts) => {
            for (const act of acts) {
              await world.run(act)
              assert.deepEqual(await sql(pools.engine, brokenChains), [])
            }
          }),
        )
        for (const which of [0, 1]) await world.turn('enable', which)
        const left = 'select count(*) from webhook_deliveries'
        for (let round = 0; (await sqlValue<number>(pools.engine, left)) > 0; round++) {
          assert.ok(round < 200, 'everything ends')
          await world.claim(8, [])
          assert.deepEqual(await sql(pools.engine, brokenChains), [])
        }
        assert.deepEqual(world.receiver.faults, [])
      },
    )
    await fc.assert(property, { numRuns: 20, endOnFailure: true })
    await node.close()
    assert.equal(await countDeadlocks(database), 0)
  })
})
