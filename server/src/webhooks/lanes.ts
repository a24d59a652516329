import type { Breaker } from './breaker.ts'
import { closedBreaker, isClean } from './breaker.ts'
import { atOnce } from './lease-terms.ts'
import { SlotPool } from './slot-pool.ts'
import type { Subscription } from './subscription-set.ts'

/** The calls of one subscription in this process. */
export interface Lane {
  readonly companyId: string
  readonly subscriptionId: string
  /** Calls allowed at once, over all processes. */
  concurrency: number
  /** Slots in use here: reserved, leased, under way, or waiting for their result to be written. */
  used: number
  /** Those of them whose call takes long. */
  parked: number
  /** Deliveries may be due in the database. */
  mayHaveDue: boolean
  /** As this process knows it. */
  breaker: Breaker
  /** Since when it was seen to do nothing. */
  idleSinceMs: number | undefined
  /** Nothing of it can be leased before this time, on the clock that never jumps. */
  notBeforeMs: number
}

/** Which slots a call uses. */
export type PoolName = 'main' | 'slow' | 'parked'

const FORGET_AFTER_MS = 600_000

/** How the slots are used at a moment. */
export interface DispatcherStats {
  readonly slotsUsed: number
  readonly slotsMax: number
  /** Calls that take long and use no slot. */
  readonly parked: number
  readonly slowLaneUsed: number
  readonly slowLaneMax: number
  /** Subscriptions that this process knows to be so. */
  readonly breakersOpen: number
  readonly breakersRecovering: number
}

/** One slot in so many is for subscriptions that hang. */
const SLOTS_PER_SLOW_SLOT = 8

/**
 * Slots of this process: per subscription, per company, and in all. A slot is taken before a delivery is leased and given
 * back when its result is written, so nothing is leased that cannot be called at once.
 *
 * A subscription whose last call ran into the deadline, or has one under way that takes long, gets slots of a small pool only,
 * until it answers in time. So receivers that hang hold few slots, however many they are, and still get their tries. Before
 * that is known of them, a call that takes long is parked: it leaves its slot to others. As many can be parked as
 * there are slots; a parked call costs a socket and its body.
 */
export class Lanes {
  readonly main: SlotPool
  readonly slow: SlotPool
  readonly parked: SlotPool
  /** The one whose turn is longest ago comes first. */
  readonly #lanes = new Map<string, Lane>()

  constructor(slotsMax: number) {
    const slowMax = Math.floor(slotsMax / SLOTS_PER_SLOW_SLOT)
    this.main = new SlotPool(slotsMax - slowMax)
    // With so few slots there is nothing to keep apart.
    this.slow = slowMax > 0 ? new SlotPool(slowMax) : this.main
    this.parked = new SlotPool(slotsMax)
  }

  /** The lane, made when there is none. `subscription` brings its limit up to date. */
  of(companyId: string, subscriptionId: string, subscription?: Subscription): Lane {
    let lane = this.#lanes.get(subscriptionId)
    if (!lane) {
      lane = {
        companyId,
        subscriptionId,
        concurrency: 1,
        used: 0,
        parked: 0,
        mayHaveDue: false,
        breaker: closedBreaker,
        idleSinceMs: undefined,
        notBeforeMs: 0,
      }
      this.#lanes.set(subscriptionId, lane)
    }
    if (subscription) lane.concurrency = atOnce(subscription)
    return lane
  }

  /** The pool that its next call takes a slot from. */
  poolOf(lane: Lane): PoolName {
    return lane.breaker.isSlow || lane.parked > 0 ? 'slow' : 'main'
  }

  /** Takes up to `wanted` slots of {@link poolOf}; answers with how many it got. */
  take(lane: Lane, wanted: number): number {
    const pool = this.poolOf(lane)
    const got = Math.max(0, Math.min(wanted, lane.concurrency - lane.used, this[pool].allowance(lane.companyId)))
    if (got === 0) return 0 // it keeps its turn
    this.#count(lane, pool, got)
    lane.idleSinceMs = undefined
    this.#lanes.delete(lane.subscriptionId)
    this.#lanes.set(lane.subscriptionId, lane)
    return got
  }

  giveBack(lane: Lane, pool: PoolName, slots: number): void {
    this.#count(lane, pool, -slots)
    this.#forget(lane)
  }

  /** A call that takes long leaves its slot of the main pool to others. False: too many have done so. */
  park(lane: Lane): boolean {
    if (this.parked.allowance(lane.companyId) === 0) return false
    this.#count(lane, 'main', -1)
    this.#count(lane, 'parked', 1)
    return true
  }

  /**
   * Lanes that should be asked for due deliveries now, by company, those first whose turn is longest ago. A company that
   * holds many slots waits until it may take enough of them to make a claim worth its cost.
   */
  claimable(nowMs: number): Map<string, Lane[]> {
    const ready = new Map<string, Lane[]>()
    for (const lane of this.#lanes.values()) {
      if (!lane.mayHaveDue) {
        this.#forgetOld(lane, nowMs)
        continue
      }
      if (lane.notBeforeMs > nowMs) continue
      if (lane.concurrency - lane.used < lane.concurrency / 4 || !this.#isWorthwhile(lane)) continue
      const own = ready.get(lane.companyId)
      if (own) own.push(lane)
      else ready.set(lane.companyId, [lane])
    }
    return ready
  }

  /** When the next lane that has something due may be asked again; Infinity when none waits for a time. */
  nextAtMs(nowMs: number): number {
    let next = Infinity
    for (const lane of this.#lanes.values()) {
      if (lane.mayHaveDue && lane.notBeforeMs > nowMs) next = Math.min(next, lane.notBeforeMs)
    }
    return next
  }

  stats(): DispatcherStats {
    const states = [...this.#lanes.values()].map(({ breaker }) => breaker.state)
    const hasSlow = this.slow !== this.main
    return {
      slotsUsed: this.main.used + (hasSlow ? this.slow.used : 0),
      slotsMax: this.main.max + (hasSlow ? this.slow.max : 0),
      parked: this.parked.used,
      slowLaneUsed: hasSlow ? this.slow.used : 0,
      slowLaneMax: hasSlow ? this.slow.max : 0,
      breakersOpen: states.filter((state) => state === 'open').length,
      breakersRecovering: states.filter((state) => state === 'recovering').length,
    }
  }

  #isWorthwhile(lane: Lane): boolean {
    const pool = this[this.poolOf(lane)]
    const worthwhile = Math.max(1, Math.min(pool.max / 16, pool.usedBy(lane.companyId) / 4))
    return pool.allowance(lane.companyId) >= worthwhile
  }

  #count(lane: Lane, pool: PoolName, slots: number): void {
    lane.used += slots
    if (pool === 'parked') lane.parked += slots
    this[pool].count(lane.companyId, slots)
  }

  /** What is held against a receiver is kept a while, and read anew from its row afterwards. */
  #forgetOld(lane: Lane, nowMs: number): void {
    if (lane.used > 0) return
    lane.idleSinceMs ??= nowMs
    if (nowMs - lane.idleSinceMs > FORGET_AFTER_MS) this.#lanes.delete(lane.subscriptionId)
  }

  #forget(lane: Lane): void {
    if (lane.used === 0 && !lane.mayHaveDue && isClean(lane.breaker)) {
      this.#lanes.delete(lane.subscriptionId)
    }
  }
}
