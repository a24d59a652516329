import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from 'pg'
import { isServerTrouble } from '../../src/db/transaction.ts'
import { until } from '../support/until.ts'
import type { Owner } from './cleanup.ts'
import type { LaneRow, LeasedRow } from './orphan-rows.ts'
import { connect, describeLane, leaseKey, readAllLeased, readLanes, readLeased } from './orphan-rows.ts'
import type { Wait } from './standstill.ts'
import { beginWait, endWait, look } from './standstill.ts'

/** After a kill or a pause everything goes on within this time (DESIGN.md, promise 12). */
const TAKE_OVER_LIMIT_MS = 45_000

const EVERY_MS = 200
/** Shorter than any lease. */
const LEASES_READ_MS = 8_000

/** A fault, from its beginning to its repair. */
export interface Strike {
  readonly what: string
  readonly startMs: number
  endMs: number | undefined
}

export interface TakeOvers {
  /** Deliveries that were leased when a process was struck. */
  readonly orphans: number
  /** The longest from the fault to the take-over, ms; and how much of it, at most, was a standstill. */
  readonly waitedMsMax: number
  readonly standstillMsMax: number
  /** Of the one that stood still longest. */
  readonly longest: string | undefined
  /** A sentence for each that stood still for too long. */
  readonly late: readonly string[]
  /** A sentence for each that waited as long, and had a reason. */
  readonly explained: readonly string[]
}

interface Orphan {
  readonly lease: LeasedRow
  /** The fault and the process that it struck. */
  readonly struckBy: string
  wait: Wait
  /** What was seen when it had waited, and when it had stood still, for as long as is allowed. */
  readonly seen: string[]
}

/** Follows every delivery that a struck process may have held until it is moved on. Sees the database past every proxy. */
export class OrphanWatch {
  readonly #databaseUrl: () => string
  readonly #now: () => number
  readonly #waiting = new Map<string, Orphan>()
  /** Those that waited for longer than the limit. */
  readonly #long: Orphan[] = []
  readonly #stopped = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #client: Client | undefined
  #orphans = 0
  #waitedMsMax = 0
  #longest: Orphan | undefined

  /** @param now the time of the checker, ms */
  constructor(databaseUrl: () => string, now: () => number = Date.now) {
    this.#databaseUrl = databaseUrl
    this.#now = now
  }

  start(owner: Owner): void {
    this.#running = this.#run()
    this.#running.catch(() => undefined) // told by `finish`
    owner.after(async () => {
      this.#stopped.abort()
      await this.#running.catch(() => undefined)
      await this.#disconnect()
    })
  }

  /**
   * A process was struck: follows what is leased now, by whomever; the others' is moved on at once. Answers with how many
   * these are.
   */
  async struck(struckBy: string): Promise<number> {
    const sinceMs = this.#now()
    const read = async (): Promise<LeasedRow[] | undefined> =>
      await readAllLeased(this.#databaseUrl()).catch(() => undefined)
    // Leases outlive a restart of the database, which may be another fault's work.
    const held = await until('leases can be read', read, LEASES_READ_MS).catch(() => [])
    for (const lease of held) {
      if (this.#waiting.has(leaseKey(lease))) continue // it waits since an earlier fault
      this.#orphans++
      this.#waiting.set(leaseKey(lease), { lease, struckBy, wait: beginWait(sinceMs), seen: [] })
    }
    return held.length
  }

  /** Looks no more, and tells. What is not taken over yet has waited until now. */
  async finish(strikes: readonly Strike[]): Promise<TakeOvers> {
    this.#stopped.abort()
    await this.#running
    await this.#disconnect()
    for (const orphan of this.#waiting.values()) this.#end(orphan, orphan.wait.lookedMs)
    const isLate = ({ wait }: Orphan): boolean => wait.standstillMsMax > TAKE_OVER_LIMIT_MS
    return {
      orphans: this.#orphans,
      waitedMsMax: this.#waitedMsMax,
      standstillMsMax: this.#longest?.wait.standstillMsMax ?? 0,
      longest: this.#longest && tell(this.#longest, strikes),
      late: this.#long.filter(isLate).map((one) => tell(one, strikes)),
      explained: this.#long.filter((one) => !isLate(one)).map((one) => tell(one, strikes)),
    }
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      await this.round()
      await delay(EVERY_MS)
    }
  }

  /** Looks once. While the database is away nothing is seen; its absence is no reason to wait. */
  async round(): Promise<void> {
    if (this.#waiting.size === 0) return
    try {
      this.#client ??= await connect(this.#databaseUrl())
      await this.#look(this.#client)
    } catch (error) {
      await this.#disconnect()
      if (!isServerTrouble(error)) throw error
    }
  }

  async #disconnect(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(() => undefined)
  }

  async #look(client: Client): Promise<void> {
    const held = [...this.#waiting.values()].map(({ lease }) => lease)
    const lanes = await readLanes(client, held)
    const left = await readLeased(client, held)
    const atMs = this.#now()
    for (const [key, orphan] of this.#waiting) {
      const row = left.get(key)
      const lane = lanes.get(orphan.lease.subscription_id)
      if (row && lane) await this.#lookAt(client, orphan, row, lane, atMs)
      else this.#end(orphan, atMs)
    }
  }

  async #lookAt(client: Client, orphan: Orphan, row: LeasedRow, lane: LaneRow, atMs: number): Promise<void> {
    const before = orphan.wait
    const after = look(before, lane, row.due_ms <= row.now_ms, atMs)
    orphan.wait = after
    const passes = (was: number, is: number): boolean => was <= TAKE_OVER_LIMIT_MS && is > TAKE_OVER_LIMIT_MS
    if (
      passes(before.lookedMs - before.sinceMs, atMs - after.sinceMs) ||
      passes(before.standstillMsMax, after.standstillMsMax)
    ) {
      orphan.seen.push(`after ${seconds(atMs - after.sinceMs)}: ${await describeLane(client, orphan.lease, lane)}`)
    }
  }

  #end(orphan: Orphan, atMs: number): void {
    const { lease, wait } = orphan
    this.#waiting.delete(leaseKey(lease))
    orphan.wait = endWait(wait, atMs)
    this.#waitedMsMax = Math.max(this.#waitedMsMax, atMs - wait.sinceMs)
    if (orphan.wait.standstillMsMax > (this.#longest?.wait.standstillMsMax ?? 0)) this.#longest = orphan
    if (atMs - wait.sinceMs > TAKE_OVER_LIMIT_MS) this.#long.push(orphan)
  }
}

function tell({ lease, struckBy, wait, seen }: Orphan, strikes: readonly Strike[]): string {
  const { lookedMs: endedMs } = wait
  const at = (ms: number): string => seconds(ms - wait.sinceMs)
  const near = strikes.filter(({ startMs, endMs = Infinity }) => startMs <= endedMs && endMs >= wait.sinceMs)
  const { inactive, breaker, queue } = wait.seen
  return [
    `delivery ${lease.id} of ${lease.subscription_id}, attempt ${lease.attempts}, held at ${struckBy}`,
    `stood still for ${seconds(wait.standstillMsMax)} of ${at(endedMs)}`,
    `its lease ended at ${at(lease.due_ms)}`,
    `looked at five times a second: inactive ${inactive} times, breaker open ${breaker}, queue before it moved ${queue}`,
    ...seen,
    `faults: ${near.map(({ what, startMs, endMs }) => `${what} ${at(startMs)} to ${endMs ? at(endMs) : 'the end'}`).join(', ')}`,
  ].join('; ')
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
