import type { Subscription } from './subscription-set.ts'

/** The calls of one subscription in this process. */
export interface Lane {
  readonly companyId: string
  readonly subscriptionId: string
  /** Calls allowed at once, over all processes. */
  concurrency: number
  timeoutMs: number
  /** Slots in use here: reserved, leased, under way, or waiting for their result to be written. */
  used: number
  /** Deliveries may be due in the database. */
  mayHaveDue: boolean
}

/**
 * A company may take slots while it holds at most this many times what is left free. So one alone gets three quarters of
 * all, and there is something left for who comes next (after Choudhury and Hahne's dynamic thresholds).
 */
const HELD_PER_FREE = 3

/** The longest that a subscription may ask for; as long as it is not known, so that no lease is too short. */
const TIMEOUT_MAX_MS = 30_000

/**
 * Slots of this process: per subscription, per company, and in all. A slot is taken before a delivery is leased and given
 * back when its result is written, so nothing is leased that cannot be called at once.
 */
export class Lanes {
  readonly #slotsMax: number
  /** The one whose turn is longest ago comes first. */
  readonly #lanes = new Map<string, Lane>()
  readonly #usedByCompany = new Map<string, number>()
  #used = 0

  constructor(slotsMax: number) {
    this.#slotsMax = slotsMax
  }

  get used(): number {
    return this.#used
  }

  /** How many slots the company may take now. */
  allowance(companyId: string): number {
    const free = this.#slotsMax - this.#used
    const used = this.#usedBy(companyId)
    // What it takes is no longer free: as many as keep the rule afterwards too. One is for anybody who holds none.
    const spare = Math.floor((HELD_PER_FREE * free - used) / (HELD_PER_FREE + 1))
    return Math.min(free, Math.max(spare, used === 0 ? 1 : 0))
  }

  /** The lane, made when there is none. `subscription` brings its limits up to date. */
  of(companyId: string, subscriptionId: string, subscription?: Subscription): Lane {
    let lane = this.#lanes.get(subscriptionId)
    if (!lane) {
      lane = { companyId, subscriptionId, concurrency: 1, timeoutMs: TIMEOUT_MAX_MS, used: 0, mayHaveDue: false }
      this.#lanes.set(subscriptionId, lane)
    }
    if (subscription) {
      lane.concurrency = subscription.concurrency
      lane.timeoutMs = subscription.timeoutMs
    }
    return lane
  }

  /** Takes up to `wanted` slots; answers with how many it got. */
  take(lane: Lane, wanted: number): number {
    const got = Math.max(0, Math.min(wanted, lane.concurrency - lane.used, this.allowance(lane.companyId)))
    this.#count(lane, got)
    this.#lanes.delete(lane.subscriptionId)
    this.#lanes.set(lane.subscriptionId, lane)
    return got
  }

  giveBack(lane: Lane, slots: number): void {
    this.#count(lane, -slots)
    if (lane.used === 0 && !lane.mayHaveDue) this.#lanes.delete(lane.subscriptionId)
  }

  /**
   * Lanes that should be asked for due deliveries now, by company, those first whose turn is longest ago. A company that
   * holds many slots waits until it may take enough of them to make a claim worth its cost.
   */
  claimable(): Map<string, Lane[]> {
    const ready = new Map<string, Lane[]>()
    for (const lane of this.#lanes.values()) {
      if (!lane.mayHaveDue || lane.concurrency - lane.used < lane.concurrency / 4) continue
      const own = ready.get(lane.companyId)
      if (own) own.push(lane)
      else ready.set(lane.companyId, [lane])
    }
    for (const companyId of ready.keys()) {
      const worthwhile = Math.max(1, Math.min(this.#slotsMax / 16, this.#usedBy(companyId) / 4))
      if (this.allowance(companyId) < worthwhile) ready.delete(companyId)
    }
    return ready
  }

  #usedBy(companyId: string): number {
    return this.#usedByCompany.get(companyId) ?? 0
  }

  #count(lane: Lane, slots: number): void {
    lane.used += slots
    this.#used += slots
    const used = this.#usedBy(lane.companyId) + slots
    if (used > 0) this.#usedByCompany.set(lane.companyId, used)
    else this.#usedByCompany.delete(lane.companyId)
  }
}
