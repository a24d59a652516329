import type { Clock } from '../lib/clock.ts'
import type { Db } from './statement.ts'
import { command, statement } from './statement.ts'

/**
 * One leader at a time, by a row.
 *
 * The row's holder may act until `expires_at`, on the database's clock; after that anybody may take it, which raises the
 * fence. A leader's transaction begins with {@link Leadership.confirm}: it locks the row `for share` and finds holder and
 * fence unchanged, or the transaction fails. So a taker waits for the leader's last transaction, and a leader that slept
 * through its lease can commit nothing afterwards. A leader frozen inside a transaction is freed by the server's
 * idle_in_transaction_session_timeout.
 */
const createRow = command<[name: string, holder: string]>(
  'lease.create',
  `insert into leases (name, holder, fence, expires_at) values ($1, $2, 0, '-infinity') on conflict do nothing`,
)

const takeRow = statement<[name: string, holder: string, ttlMs: number], { fence: number }>(
  'lease.take',
  `update leases
      set fence = case when holder = $2 then fence else fence + 1 end,
          holder = $2,
          expires_at = now() + $3 * interval '1 millisecond'
    where name = $1 and (holder = $2 or expires_at < now())
   returning fence`,
)

const confirmRow = statement<[name: string, holder: string, fence: number], { ok: boolean }>(
  'lease.confirm',
  `select true as ok from leases where name = $1 and holder = $2 and fence = $3 for share`,
)

const releaseRow = command<[name: string, holder: string]>(
  'lease.release',
  `update leases set expires_at = '-infinity' where name = $1 and holder = $2`,
)

/** Who leads, for people to see. */
export interface Lease {
  readonly name: string
  readonly holder: string
  /** Until it ends, negative when it has ended; null when it was handed back. */
  readonly seconds_left: number | null
}

export const findLeases = statement<[], Lease>(
  'lease.find_all',
  `select name, holder,
          case when isfinite(expires_at) then extract(epoch from expires_at - now())::double precision end as seconds_left
     from leases order by name`,
)

export class NotLeader extends Error {}

export class Leadership {
  readonly #db: Db
  readonly #clock: Clock
  readonly #name: string
  readonly #holder: string
  readonly #ttlMs: number
  #fence: number | undefined
  #renewAt = 0
  #endsAt = 0

  constructor(options: { db: Db; clock: Clock; name: string; holder: string; ttlMs?: number }) {
    this.#db = options.db
    this.#clock = options.clock
    this.#name = options.name
    this.#holder = options.holder
    this.#ttlMs = options.ttlMs ?? 5_000
  }

  /** Whether it leads as far as it knows, for people to see; {@link confirm} is what counts. */
  get leads(): boolean {
    return this.#fence !== undefined && this.#clock.elapsed() < this.#endsAt
  }

  /** Takes or renews the lease when it is time to. True while this holder leads. */
  async hold(): Promise<boolean> {
    if (this.#fence !== undefined && this.#clock.elapsed() < this.#renewAt) return true
    const askedAt = this.#clock.elapsed()
    let [row] = await takeRow(this.#db, this.#name, this.#holder, this.#ttlMs)
    if (!row && (await createRow(this.#db, this.#name, this.#holder)) === 1) {
      ;[row] = await takeRow(this.#db, this.#name, this.#holder, this.#ttlMs)
    }
    this.#fence = row?.fence
    this.#renewAt = askedAt + this.#ttlMs / 3
    this.#endsAt = askedAt + this.#ttlMs
    return row !== undefined
  }

  /** First statement of every transaction of the leader. Throws {@link NotLeader} when another took over. */
  async confirm(db: Db): Promise<void> {
    if (this.#fence !== undefined && (await confirmRow(db, this.#name, this.#holder, this.#fence)).length > 0) return
    this.#fence = undefined
    throw new NotLeader(`${this.#name} is led by another process`)
  }

  /** Lets the next one take over at once. */
  async release(): Promise<void> {
    this.#fence = undefined
    await releaseRow(this.#db, this.#name, this.#holder)
  }
}
