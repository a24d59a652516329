import { missingDetails, readLoggedEach } from '../events/read-logged.ts'
import type { RecentEvents } from '../events/recent-events.ts'
import { isServerTrouble } from '../db/transaction.ts'
import type { Clock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { AttemptContext } from './attempt.ts'
import { attemptDelivery, endWithoutAttempt } from './attempt.ts'
import { callsAllowed, FAILURES_MAX, openMaxFor } from './breaker.ts'
import type { ClaimedDelivery, ClaimNews } from './claim-due.ts'
import { claimDueDeliveries, findDueSubscriptions } from './claim-due.ts'
import type { Deliverables, DeliverableSubscription } from './deliverables.ts'
import type { Handed, HandOver } from './hand-over.ts'
import type { DispatcherStats, Lane, PoolName } from './lanes.ts'
import { Lanes } from './lanes.ts'
import { OutgoingEvent } from './outgoing-event.ts'
import type { AttemptRecord } from './record-results.ts'
import type { ResultWriterOptions } from './result-writer.ts'
import { ResultWriter } from './result-writer.ts'
import type { Subscription, SubscriptionSets } from './subscription-set.ts'

/**
 * The dispatcher makes the calls.
 *
 * A delivery comes to it leased: handed over by the router beside it, or claimed from the database. It is called at once
 * (a slot was taken before the lease), outside any transaction, and its result is written together with others. Until the
 * result is committed the slot stays in use.
 *
 * When the process dies, its leases run out and any dispatcher takes the deliveries over. When a result cannot be written
 * it is tried again until its lease has run out; then the attempt counts as unknown and the delivery is made again, with
 * the same webhook-id.
 */
export interface DispatcherOptions
  extends AttemptContext, Pick<ResultWriterOptions<never>, 'pool' | 'onDisableDue' | 'onError' | 'onFenced'> {
  readonly recent: RecentEvents
  readonly sets: SubscriptionSets
  readonly deliverables: Deliverables
  /** Told of deliveries whose lease had run out: another process, or this one before, did not record how they ended. */
  readonly onTakenOver?: (count: number) => void
  readonly slotsMax?: number
  /** Calls that fail in a row until a breaker opens. */
  readonly failuresMax?: number
  /** How often the database is asked for due deliveries that nobody told of: retries, and those of other processes. */
  readonly discoverEveryMs?: number
}

/** A lease outlives the deadline of its attempt by this much, for reading the event before and writing the result after. */
const LEASE_MARGIN_MS = 10_000

/** Attempts beyond the schedule that may end unknown before a delivery is given up: one of them may be what kills us. */
const LOST_ATTEMPTS_MAX = 5

/** A call that takes longer than this is parked. */
const LONG_CALL_MS = 1_000

/** Nobody tells when another process has finished its calls of a subscription. */
const CONTENDED_REST_MS = 50

export class Dispatcher implements HandOver {
  readonly #options: DispatcherOptions
  readonly #clock: Clock
  readonly #lanes: Lanes
  readonly #results: ResultWriter<Flight>
  readonly #discoverEveryMs: number
  #discoverAt = 0
  /** The newest call of each delivery that is under way here, the one that began longest ago first. */
  readonly #inFlight = new Map<string, Flight>()
  #underWay = 0
  #stopping = false
  #onQuiet: (() => void) | undefined
  #wakeLoop: () => void = () => {}

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#lanes = new Lanes(options.slotsMax ?? 512)
    this.#discoverEveryMs = options.discoverEveryMs ?? 500
    this.#results = new ResultWriter<Flight>({
      ...options,
      lanes: this.#lanes,
      breakerRule: {
        failuresMax: options.failuresMax ?? FAILURES_MAX,
        openMaxMs: openMaxFor(options.schedule),
        random: options.random,
      },
      onWritten: (flights) => {
        for (const flight of flights) this.#land(flight)
        this.#wakeLoop()
      },
    })
  }

  /** Says how the loop that runs {@link round} is woken. */
  onWake(wake: () => void): void {
    this.#wakeLoop = wake
  }

  reserve(subscription: Subscription, wanted: number): number {
    if (this.#stopping) return 0
    const lane = this.#lanes.of(subscription.companyId, subscription.id, subscription)
    const isWell = lane.breaker.state === 'closed' && this.#lanes.poolOf(lane) === 'main'
    return lane.mayHaveDue || !isWell ? 0 : this.#lanes.take(lane, wanted)
  }

  release(subscription: Subscription, slots: number): void {
    this.#lanes.giveBack(this.#laneOf(subscription), 'main', slots)
  }

  leaseMs(subscription: Subscription): number {
    return subscription.timeoutMs + LEASE_MARGIN_MS
  }

  accept(handed: readonly Handed[]): void {
    for (const delivery of handed) this.#start(delivery, 'main')
  }

  /** Deliveries of this subscription may be due. */
  wakeFor(companyId: string, subscriptionId: string): void {
    const lane = this.#lanes.of(companyId, subscriptionId)
    lane.mayHaveDue = true
    lane.notBeforeMs = 0 // somebody changed something
    this.#wakeLoop()
  }

  wake(subscriptions: readonly Subscription[]): void {
    if (subscriptions.length === 0) return
    for (const one of subscriptions) this.#lanes.of(one.companyId, one.id, one).mayHaveDue = true
    this.#wakeLoop()
  }

  /** Claims what is due and starts it. Answers with the milliseconds to rest. */
  async round(): Promise<number> {
    if (this.#stopping) return this.#discoverEveryMs
    if (this.#clock.elapsed() >= this.#discoverAt) {
      this.#parkLong()
      await this.#discover()
    }
    let claimed = 0
    let isContended = false
    for (const [companyId, lanes] of this.#lanes.claimable(this.#clock.elapsed())) {
      try {
        const claim = await this.#claim(companyId, lanes)
        claimed += claim.deliveries
        isContended ||= claim.isContended
      } catch (error) {
        if (isServerTrouble(error)) throw error
        this.#options.onError(error) // the trouble of one company
        isContended = true
      }
    }
    if (claimed > 0) return 0
    const nowMs = this.#clock.elapsed()
    const restMs = Math.max(1, Math.min(this.#discoverAt, this.#lanes.nextAtMs(nowMs)) - nowMs)
    return isContended ? Math.min(restMs, CONTENDED_REST_MS) : restMs
  }

  stats(): DispatcherStats {
    return this.#lanes.stats()
  }

  /** Starts nothing more, waits for the calls under way (`graceMs` at most) and for their results to be written. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    if (this.#underWay > 0) {
      const quiet = new Promise<void>((resolve) => (this.#onQuiet = resolve))
      const enough = new AbortController()
      await Promise.race([quiet, this.#clock.sleep(graceMs, enough.signal)])
      enough.abort()
    }
    await this.#options.poster.close() // ends what is still under way as cancelled
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#onQuiet = resolve))
    await this.#results.idle()
  }

  async #discover(): Promise<void> {
    this.#discoverAt = this.#clock.elapsed() + this.#discoverEveryMs
    for (const row of await findDueSubscriptions(this.#options.pool)) {
      this.#lanes.of(row.company_id, row.subscription_id).mayHaveDue = true
    }
  }

  /** See {@link Lanes}. */
  #parkLong(): void {
    const longSince = this.#clock.elapsed() - LONG_CALL_MS
    for (const flight of this.#inFlight.values()) {
      if (flight.startedMs > longSince) break
      if (flight.pool === 'main' && this.#lanes.park(this.#laneOf(flight.delivery.subscription))) {
        flight.pool = 'parked'
      }
    }
  }

  #laneOf(subscription: Subscription): Lane {
    return this.#lanes.of(subscription.companyId, subscription.id)
  }

  /** Takes slots for as many deliveries as make sense to ask for: the lanes of a company share what it may take. */
  #ask(companyId: string, lanes: readonly Lane[]): Asked[] {
    const byPool = Map.groupBy(lanes, (lane) => this.#lanes.poolOf(lane))
    return [...byPool].flatMap(([pool, own]) => {
      const share = Math.max(1, Math.floor(this.#lanes[pool].allowance(companyId) / own.length))
      return own.flatMap((lane): Asked[] => {
        const useful = callsAllowed({ ...lane.breaker, openMs: 0 }, lane.concurrency)
        const slots = this.#lanes.take(lane, Math.min(share, useful - lane.used))
        return slots > 0 ? [{ lane, pool, slots }] : []
      })
    })
  }

  /** Claims for the lanes of one company. A lane that got all there was has nothing due any more, unless it is woken. */
  async #claim(companyId: string, lanes: readonly Lane[]): Promise<{ deliveries: number; isContended: boolean }> {
    const { pool, sets, deliverables, recent } = this.#options
    const asked = this.#ask(companyId, lanes)
    if (asked.length === 0) return { deliveries: 0, isContended: false }
    const used = new Map<Lane, number>()
    for (const { lane } of asked) lane.mayHaveDue = false
    try {
      const claim = await claimDueDeliveries(
        pool,
        companyId,
        asked.map(({ lane, slots }) => ({ subscriptionId: lane.subscriptionId, slots })),
        LEASE_MARGIN_MS,
      )
      const takenOver = claim.deliveries.filter((delivery) => delivery.taken_over).length
      if (takenOver > 0) this.#options.onTakenOver?.(takenOver)
      for (const { lane } of asked) this.#learn(lane, claim.news.get(lane.subscriptionId))
      const events = await readLoggedEach(
        pool,
        recent,
        companyId,
        claim.deliveries.map((delivery) => delivery.event_id),
      )
      const bySubscription = Map.groupBy(claim.deliveries, (delivery) => delivery.subscription_id)
      const set = await sets.get(pool, companyId, claim.subscriptionVersion)
      const called = [...bySubscription.keys()].flatMap((id) => set.get(id) ?? [])
      const ready = await deliverables.load(pool, companyId, called)
      for (const { lane, pool: from } of asked) {
        const own = bySubscription.get(lane.subscriptionId) ?? []
        const subscription = ready.get(lane.subscriptionId)
        const news = claim.news.get(lane.subscriptionId)
        if (!subscription || !news) continue
        this.#lanes.of(companyId, subscription.id, subscription)
        used.set(lane, own.length)
        own.sort((a, b) => a.position - b.position)
        for (const row of own) {
          const { event_id: id, position } = row
          const event = new OutgoingEvent(companyId, id, position, events.get(id) ?? events.whyMissing(id))
          this.#start(toHanded(row, event, claim.leaseToken, within(news.leaseMs, subscription)), from)
        }
      }
      const isContended = asked.some(({ lane }) => claim.news.get(lane.subscriptionId)?.isContended ?? true)
      return { deliveries: claim.deliveries.length, isContended }
    } catch (error) {
      for (const { lane } of asked) lane.mayHaveDue = true
      throw error
    } finally {
      for (const { lane, pool: from, slots } of asked) this.#lanes.giveBack(lane, from, slots - (used.get(lane) ?? 0))
    }
  }

  #learn(lane: Lane, news: ClaimNews | undefined): void {
    if (!news) {
      lane.mayHaveDue = true // another process has it locked
      return
    }
    if (news.mayHaveMore) lane.mayHaveDue = true
    lane.breaker = news.breaker
    lane.notBeforeMs = this.#clock.elapsed() + news.waitMs
  }

  /** Calls, or ends a delivery that must not or cannot be called; the slot is given back when the result is written. */
  #start(delivery: Handed, pool: PoolName): void {
    this.#underWay++
    const flight: Flight = { delivery, pool, startedMs: this.#clock.elapsed() }
    this.#inFlight.delete(delivery.id)
    this.#inFlight.set(delivery.id, flight)
    const { subscription, event } = delivery
    const body = event.bodyAs(subscription.format)
    const nowMs = this.#clock.now()
    if (subscription.status === 'deleted') {
      const detail = 'Its subscription was deleted'
      this.#finish(flight, endWithoutAttempt(delivery, 'cancelled', 'subscription_deleted', detail, nowMs))
    } else if (!body) {
      const reason = event.missing ?? 'payload_gone'
      this.#finish(flight, endWithoutAttempt(delivery, 'failed', reason, missingDetails[reason], nowMs))
    } else if (
      delivery.attemptNo - delivery.firstAttemptNo >
      retriesMax(subscription, this.#options) + LOST_ATTEMPTS_MAX
    ) {
      const detail = 'Too many attempts ended without a result'
      this.#finish(flight, endWithoutAttempt(delivery, 'failed', 'attempts_lost', detail, nowMs))
    } else {
      void this.#attempt(flight, body)
    }
  }

  async #attempt(flight: Flight, body: Buffer): Promise<void> {
    const { delivery } = flight
    try {
      const record = await attemptDelivery(this.#options, delivery, body)
      await failpoint('delivery.after_response')
      this.#finish(flight, record)
    } catch (error) {
      // A fault of ours (a secret that cannot be used, say). The delivery ends visibly and holds nobody up.
      this.#options.onError(error)
      const detail = 'The call could not be made; the log of the server says why'
      this.#finish(flight, endWithoutAttempt(delivery, 'failed', 'internal_error', detail, this.#clock.now()))
    }
  }

  #finish(flight: Flight, record: AttemptRecord): void {
    this.#underWay--
    const { delivery } = flight
    if (this.#inFlight.get(delivery.id) === flight) {
      this.#inFlight.delete(delivery.id)
      this.#results.add(flight, record, delivery.isOrdered ?? false, this.#leaseLeftMs(flight))
    } else {
      // Its lease ran out here, in a stall of this process, and a newer attempt of it was begun.
      this.#land(flight)
      this.#options.onFenced?.(1)
    }
    if (this.#underWay === 0) this.#onQuiet?.()
  }

  /** Trying too long does no harm, the lease's token sees to that; giving up too early would call again. */
  #leaseLeftMs({ delivery, startedMs }: Flight): number {
    return delivery.subscription.timeoutMs + LEASE_MARGIN_MS - (this.#clock.elapsed() - startedMs)
  }

  #land({ delivery, pool }: Flight): void {
    this.#lanes.giveBack(this.#laneOf(delivery.subscription), pool, 1)
  }
}

interface Asked {
  readonly lane: Lane
  readonly pool: PoolName
  readonly slots: number
}

/** A call under way. */
interface Flight {
  readonly delivery: Handed
  readonly startedMs: number
  /** Whose slot it uses; changes when it takes long. */
  pool: PoolName
}

function retriesMax({ retrySchedule }: DeliverableSubscription, { schedule }: DispatcherOptions): number {
  return (retrySchedule ?? schedule).length
}

/** The subscription with a deadline that its lease outlives, also when the deadline was raised a moment ago. */
function within(leaseMs: number, subscription: DeliverableSubscription): DeliverableSubscription {
  const timeoutMs = leaseMs - LEASE_MARGIN_MS
  return subscription.timeoutMs <= timeoutMs ? subscription : { ...subscription, timeoutMs }
}

function toHanded(
  row: ClaimedDelivery,
  event: OutgoingEvent,
  leaseToken: string,
  subscription: Handed['subscription'],
): Handed {
  return {
    id: row.id,
    event,
    subscription,
    leaseToken,
    attemptNo: row.attempts,
    firstAttemptNo: row.first_attempt_no,
    replayId: row.replay_id ?? undefined,
    isOrdered: row.is_ordered,
  }
}
