import type { DbPool } from '../db/pools.ts'
import { inTransaction, isServerTrouble } from '../db/transaction.ts'
import type { RecentEvents } from '../events/recent-events.ts'
import type { Clock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import { GroupCommit } from '../lib/group-commit.ts'
import type { AttemptContext } from './attempt.ts'
import { attemptDelivery, endWithoutAttempt } from './attempt.ts'
import type { ClaimedDelivery } from './claim-due.ts'
import { claimDueDeliveries, findDueSubscriptions } from './claim-due.ts'
import type { DisableDue } from './count-failures.ts'
import { countFailures, lockHealth } from './count-failures.ts'
import type { Handed, HandOver } from './hand-over.ts'
import type { Lane } from './lanes.ts'
import { Lanes } from './lanes.ts'
import { OutgoingEvent, readOutgoing } from './outgoing-event.ts'
import type { AttemptRecord } from './record-results.ts'
import { recordResults } from './record-results.ts'
import type { DeliverableSubscription, Subscription, SubscriptionSets } from './subscription-set.ts'

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
export interface DispatcherOptions extends AttemptContext {
  readonly pool: DbPool
  readonly recent: RecentEvents
  readonly sets: SubscriptionSets
  readonly onDisableDue: (due: readonly DisableDue[]) => void
  readonly onError: (error: unknown) => void
  /** Told of results that came too late: their lease was over and another process has the delivery. */
  readonly onFenced?: (count: number) => void
  readonly slotsMax?: number
  /** How often the database is asked for due deliveries that nobody told of: retries, and those of other processes. */
  readonly discoverEveryMs?: number
}

/** A lease outlives the deadline of its attempt by this much, for reading the event before and writing the result after. */
const LEASE_MARGIN_MS = 10_000

/** Attempts beyond the schedule that may end unknown before a delivery is given up: one of them may be what kills us. */
const LOST_ATTEMPTS_MAX = 5

/** Nobody tells when another process has finished its calls of a subscription. */
const CONTENDED_REST_MS = 50

const RESULTS_PER_COMMIT = 256
const COMMITS_AT_ONCE = 2

export class Dispatcher implements HandOver {
  readonly #options: DispatcherOptions
  readonly #clock: Clock
  readonly #lanes: Lanes
  readonly #results: GroupCommit<Outcome>
  readonly #discoverEveryMs: number
  #discoverAt = 0
  /** Deliveries whose call is under way here, with the lease token of their newest attempt. */
  readonly #inFlight = new Map<string, string>()
  #underWay = 0
  #stopping = false
  #onQuiet: (() => void) | undefined
  #wakeLoop: () => void = () => {}

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#lanes = new Lanes(options.slotsMax ?? 512)
    this.#discoverEveryMs = options.discoverEveryMs ?? 500
    this.#results = new GroupCommit<Outcome>({
      write: async (outcomes) => await this.#record(outcomes),
      weight: () => 1,
      weightMax: RESULTS_PER_COMMIT,
      writersMax: COMMITS_AT_ONCE,
    })
  }

  /** Says how the loop that runs {@link round} is woken. */
  onWake(wake: () => void): void {
    this.#wakeLoop = wake
  }

  reserve(subscription: Subscription, wanted: number): number {
    if (this.#stopping) return 0
    const lane = this.#lanes.of(subscription.companyId, subscription.id, subscription)
    return lane.mayHaveDue ? 0 : this.#lanes.take(lane, wanted)
  }

  release(subscription: Subscription, slots: number): void {
    this.#lanes.giveBack(this.#lanes.of(subscription.companyId, subscription.id), slots)
  }

  leaseMs(subscription: Subscription): number {
    return subscription.timeoutMs + LEASE_MARGIN_MS
  }

  accept(handed: readonly Handed[]): void {
    for (const delivery of handed) this.#start(delivery)
  }

  /** Deliveries of this subscription may be due. */
  wakeFor(companyId: string, subscriptionId: string): void {
    this.#lanes.of(companyId, subscriptionId).mayHaveDue = true
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
    if (this.#clock.elapsed() >= this.#discoverAt) await this.#discover()
    let claimed = 0
    let isContended = false
    for (const [companyId, lanes] of this.#lanes.claimable()) {
      const claim = await this.#claim(companyId, lanes)
      claimed += claim.deliveries
      isContended ||= claim.isContended
    }
    if (claimed > 0) return 0
    const restMs = Math.max(1, this.#discoverAt - this.#clock.elapsed())
    return isContended ? Math.min(restMs, CONTENDED_REST_MS) : restMs
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

  /**
   * Claims for the lanes of one company. A lane that got less than it asked for has nothing due any more, unless other
   * processes use up its limit, or it was woken in the meantime.
   */
  async #claim(companyId: string, lanes: readonly Lane[]): Promise<{ deliveries: number; isContended: boolean }> {
    const { pool, sets, recent } = this.#options
    const share = Math.max(1, Math.floor(this.#lanes.allowance(companyId) / lanes.length))
    const asked = lanes.map((lane) => ({ lane, slots: this.#lanes.take(lane, share) })).filter(({ slots }) => slots > 0)
    if (asked.length === 0) return { deliveries: 0, isContended: false }
    const used = new Map<Lane, number>()
    const leaseMs = Math.max(...asked.map(({ lane }) => lane.timeoutMs)) + LEASE_MARGIN_MS
    for (const { lane } of asked) lane.mayHaveDue = false
    try {
      const claim = await claimDueDeliveries(
        pool,
        companyId,
        asked.map(({ lane, slots }) => ({ subscriptionId: lane.subscriptionId, slots })),
        leaseMs,
      )
      const set = await sets.get(pool, companyId, claim.subscriptionVersion)
      const events = await readOutgoing(
        pool,
        recent,
        companyId,
        claim.deliveries.map((delivery) => delivery.event_id),
      )
      const bySubscription = Map.groupBy(claim.deliveries, (delivery) => delivery.subscription_id)
      for (const { lane, slots } of asked) {
        const own = bySubscription.get(lane.subscriptionId) ?? []
        const subscription = set.get(lane.subscriptionId)
        if (own.length === slots || claim.contended.has(lane.subscriptionId)) lane.mayHaveDue = true
        if (!subscription) continue
        this.#lanes.of(companyId, subscription.id, subscription)
        used.set(lane, own.length)
        own.sort((a, b) => a.position - b.position)
        for (const row of own) {
          const event = new OutgoingEvent(companyId, row.event_id, row.position, events.get(row.event_id))
          this.#start(toHanded(row, event, claim.leaseToken, within(leaseMs, subscription)))
        }
      }
      return { deliveries: claim.deliveries.length, isContended: claim.contended.size > 0 }
    } catch (error) {
      for (const { lane } of asked) lane.mayHaveDue = true
      throw error
    } finally {
      for (const { lane, slots } of asked) this.#lanes.giveBack(lane, slots - (used.get(lane) ?? 0))
    }
  }

  /** Calls, or ends a delivery that must not or cannot be called; the slot is given back when the result is written. */
  #start(delivery: Handed): void {
    this.#underWay++
    this.#inFlight.set(delivery.id, delivery.leaseToken)
    const { subscription, event } = delivery
    const nowMs = this.#clock.now()
    if (subscription.status === 'deleted') {
      const detail = 'Its subscription was deleted'
      this.#finish(delivery, endWithoutAttempt(delivery, 'cancelled', 'subscription_deleted', detail, nowMs))
    } else if (!event.body) {
      const detail = 'The payload is no longer stored'
      this.#finish(delivery, endWithoutAttempt(delivery, 'failed', 'payload_gone', detail, nowMs))
    } else if (delivery.attemptNo - delivery.firstAttemptNo > this.#options.schedule.length + LOST_ATTEMPTS_MAX) {
      const detail = 'Too many attempts ended without a result'
      this.#finish(delivery, endWithoutAttempt(delivery, 'failed', 'attempts_lost', detail, nowMs))
    } else {
      void this.#attempt(delivery, event.body)
    }
  }

  async #attempt(delivery: Handed, body: Buffer): Promise<void> {
    try {
      const record = await attemptDelivery(this.#options, delivery, body)
      await failpoint('delivery.after_response')
      this.#finish(delivery, record)
    } catch (error) {
      // A fault of ours (a secret that cannot be used, say). The delivery ends visibly and holds nobody up.
      this.#options.onError(error)
      const detail = 'The call could not be made; the log of the server says why'
      this.#finish(delivery, endWithoutAttempt(delivery, 'failed', 'internal_error', detail, this.#clock.now()))
    }
  }

  #finish(delivery: Handed, record: AttemptRecord): void {
    this.#underWay--
    if (this.#inFlight.get(delivery.id) === delivery.leaseToken) {
      this.#inFlight.delete(delivery.id)
      this.#results.add({ delivery, record, leaseEndsAt: this.#clock.elapsed() + LEASE_MARGIN_MS })
    } else {
      // Its lease ran out here, in a stall of this process, and a newer attempt of it was begun.
      this.release(delivery.subscription, 1)
      this.#options.onFenced?.(1)
    }
    if (this.#underWay === 0) this.#onQuiet?.()
  }

  /** Writes results; never rejects. What fails is halved until the guilty result is alone. */
  async #record(outcomes: readonly Outcome[]): Promise<void> {
    for (;;) {
      try {
        await this.#write(outcomes.map(({ record }) => record))
        break
      } catch (error) {
        this.#options.onError(error)
        if (!isServerTrouble(error) && outcomes.length > 1) {
          const middle = Math.ceil(outcomes.length / 2)
          await this.#record(outcomes.slice(0, middle))
          await this.#record(outcomes.slice(middle))
          return
        }
        const lastChance = Math.max(...outcomes.map(({ leaseEndsAt }) => leaseEndsAt))
        if (this.#clock.elapsed() > lastChance) break
        await this.#clock.sleep(250)
      }
    }
    for (const { delivery } of outcomes) this.release(delivery.subscription, 1)
    this.#wakeLoop()
  }

  async #write(records: readonly AttemptRecord[]): Promise<void> {
    const { pool, onDisableDue, onFenced } = this.#options
    const hasFailure = records.some((record) => record.outcome === 'failed')
    let refused: ReadonlySet<string>
    if (hasFailure) {
      const written = await inTransaction(pool, async (db) => {
        await lockHealth(db, records)
        const late = await recordResults(db, records)
        await failpoint('delivery.mid_record')
        return {
          late,
          due: await countFailures(
            db,
            records.filter((one) => !late.has(one.deliveryId)),
          ),
        }
      })
      refused = written.late
      if (written.due.length > 0) onDisableDue(written.due)
    } else {
      refused = await recordResults(pool, records)
    }
    await failpoint('delivery.after_record')
    if (refused.size > 0) onFenced?.(refused.size)
  }
}

interface Outcome {
  readonly delivery: Handed
  readonly record: AttemptRecord
  readonly leaseEndsAt: number
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
  }
}
