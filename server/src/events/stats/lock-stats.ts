import type { Db } from '../../db/statement.ts'
import { command, statement } from '../../db/statement.ts'

/** How far a company's events are counted. Its row in the database is the lock of the company's statistics. */
export interface StatsHead {
  readonly company_id: string
  /** All events up to this one are counted. */
  readonly position: number
}

const makeHeads = command<[companyIds: readonly string[]]>(
  'stats_head.make',
  `insert into stats_heads (company_id)
   select company_id from unnest($1::uuid[]) as x(company_id) order by company_id
       on conflict do nothing`,
)

const lockFree = statement<[companyIds: readonly string[]], StatsHead>(
  'stats_head.lock_free',
  `select company_id, position
     from stats_heads
    where company_id = any($1::uuid[])
    order by company_id
      for update skip locked`,
)

const lockOne = statement<[companyId: string], StatsHead>(
  'stats_head.lock',
  `select company_id, position from stats_heads where company_id = $1 for update`,
)

/**
 * Locks the statistics of companies until the transaction ends, but for those that somebody else holds: they are not in the
 * answer.
 */
export async function lockStats(db: Db, companyIds: readonly string[]): Promise<readonly StatsHead[]> {
  const wanted = [...new Set(companyIds)]
  const locked = await lockFree(db, wanted)
  if (locked.length === wanted.length) return locked
  const missing = new Set(wanted)
  for (const { company_id } of locked) missing.delete(company_id)
  await makeHeads(db, [...missing])
  return [...locked, ...(await lockFree(db, [...missing]))]
}

/** Makes sure that there is something to lock. */
export async function makeStatsHead(db: Db, companyId: string): Promise<void> {
  await makeHeads(db, [companyId])
}

/** Locks one company's, and waits for it. */
export async function waitForStats(db: Db, companyId: string): Promise<void> {
  await lockOne(db, companyId)
}

const moveHeads = command<[companyIds: readonly string[], positions: readonly number[]]>(
  'stats_head.move',
  `update stats_heads
      set position = ($2::bigint[])[array_position($1::uuid[], company_id)]
    where company_id = any($1::uuid[])`,
)

/** The events of these companies are counted up to here. */
export async function moveStatsHeads(db: Db, heads: readonly StatsHead[]): Promise<void> {
  await moveHeads(
    db,
    heads.map(({ company_id }) => company_id),
    heads.map(({ position }) => position),
  )
}
