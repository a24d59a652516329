import { failpoint } from '../lib/failpoint.ts'
import { firstIdOfMs } from '../lib/ids.ts'
import type { DbPool } from './pools.ts'
import { inTransaction, sqlState } from './transaction.ts'

/** Tables that are partitioned by month of their UUIDv7. */
export const partitioned = ['event_logs', 'webhook_logs'] as const

/** Event ids may be 30 days old, so the month before last is the oldest that can still be written to. */
const MONTHS_BEFORE = 1
const MONTHS_AHEAD = 2

/**
 * Makes the partitions that events of the next two months need, and those of the past that an id may still fall into.
 * Safe at any time and by several processes at once. `create table … like` and `attach partition` wait for nobody who
 * reads or writes the parent.
 */
export async function ensurePartitions(owner: DbPool, nowMs: number): Promise<void> {
  const now = new Date(nowMs)
  for (const table of partitioned) {
    for (let offset = -MONTHS_BEFORE; offset <= MONTHS_AHEAD; offset++) {
      await ensurePartition(owner, table, now.getUTCFullYear(), now.getUTCMonth() + offset)
    }
  }
}

export function partitionName(table: string, start: Date): string {
  return `${table}_${start.toISOString().slice(0, 7).replace('-', '_')}`
}

async function ensurePartition(owner: DbPool, table: string, year: number, month: number): Promise<void> {
  const start = new Date(Date.UTC(year, month, 1))
  const end = new Date(Date.UTC(year, month + 1, 1))
  const name = partitionName(table, start)
  const [existing] = (
    await owner.query<{ there: boolean }>({
      name: 'partition.exists',
      text: `select to_regclass($1) is not null as there`,
      values: [name],
    })
  ).rows
  if (existing?.there) return
  const ddl = (text: string) => ({ name: '', text, values: [] })
  try {
    await inTransaction(owner, async (db) => {
      await db.query(ddl(`set local lock_timeout = '5s'`))
      await db.query(
        ddl(`create table ${name} (like ${table} including defaults including constraints including indexes)`),
      )
      // Reached through the parent, the parent's policies count; reached directly, nothing may pass.
      await db.query(ddl(`alter table ${name} enable row level security`))
      await db.query(ddl(`alter table ${name} force row level security`))
      await failpoint('partition.before_attach')
      await db.query(
        ddl(
          `alter table ${table} attach partition ${name}
             for values from ('${firstIdOfMs(start.getTime())}') to ('${firstIdOfMs(end.getTime())}')`,
        ),
      )
    })
  } catch (error) {
    if (sqlState(error) !== DUPLICATE_TABLE && sqlState(error) !== UNIQUE_VIOLATION) throw error
  }
}

const DUPLICATE_TABLE = '42P07'
const UNIQUE_VIOLATION = '23505' // two creators at once meet in the catalogue's unique index
