import { failpoint } from '../lib/failpoint.ts'
import { partitioned } from './partitions.ts'
import type { DbPool } from './pools.ts'
import { statement } from './statement.ts'
import type { Db } from './statement.ts'
import { inTransaction } from './transaction.ts'

/**
 * A month goes in two transactions. The first detaches its partition and gives it the name of one that has ended: nobody
 * sees its rows from that commit on. It needs the parent's exclusive lock for an instant, and whoever publishes waits while
 * it is waited for, so it is waited for very shortly and tried again later. The second drops a table that nobody uses. A
 * kill in between leaves a table with such a name, which the next {@link dropEnded} finds.
 */
export interface Month {
  readonly table: (typeof partitioned)[number]
  readonly partition: string
  /** Both in milliseconds; the end is not included. */
  readonly fromMs: number
  readonly toMs: number
}

/** The wait for one lock, of which there are two: the parent's and the partition's. A publish waits no longer than both. */
const LOCK_WAIT_MS = 200

/** For the statement as a whole, those waits included. */
const DETACH_MS = 500

/** A process that stalls between the detach and its commit would keep the parent locked: the server ends its transaction. */
const IDLE_MS = 300

const VACUUM_WAIT_MS = 3_000

const ENDED = 'ended_'

const listPartitions = statement<[parent: string], { name: string }>(
  'partition.list',
  `select c.relname as name
     from pg_inherits i
     join pg_class p on p.oid = i.inhparent
     join pg_class c on c.oid = i.inhrelid
    where p.relname = $1 and not i.inhdetachpending and p.relnamespace = 'public'::regnamespace and c.relnamespace = p.relnamespace
    order by c.relname`,
)

/**
 * The months that are there, the oldest first. A partition of another name is an operator's own, and is left alone; so is
 * one that an operator began to detach concurrently and did not finish.
 */
export async function listMonths(owner: Db): Promise<readonly Month[]> {
  const months: Month[] = []
  for (const table of partitioned) {
    for (const { name } of await listPartitions(owner, table)) {
      const match = new RegExp(`^${table}_(\\d{4})_(\\d\\d)$`).exec(name)
      if (!match) continue
      const [year, month] = [Number(match[1]), Number(match[2])]
      months.push({
        table,
        partition: name,
        fromMs: Date.UTC(year, month - 1, 1),
        toMs: Date.UTC(year, month, 1),
      })
    }
  }
  return months.toSorted((one, other) => one.fromMs - other.fromMs)
}

/**
 * Throws lock_not_available (55P03) or query_canceled (57014) when the table is too busy for it; then nothing has happened.
 * Whoever calls commits at once: the server ends the connection of one that is idle for longer than a moment.
 */
export async function detachMonth(db: Db, { table, partition }: Month): Promise<void> {
  const ddl = (text: string) => ({ name: '', text, values: [] })
  // Autovacuum holds a lock for as long as it works, and gives way to whoever has waited for a second. In this mode nobody
  // who reads or writes waits meanwhile.
  await db.query(ddl(`set local lock_timeout = '${VACUUM_WAIT_MS}ms'`))
  await db.query(ddl(`lock table ${partition} in share update exclusive mode`))
  await db.query(
    ddl(
      `set local lock_timeout = '${LOCK_WAIT_MS}ms';
       set local statement_timeout = '${DETACH_MS}ms';
       set local idle_in_transaction_session_timeout = '${IDLE_MS}ms'`,
    ),
  )
  await db.query(
    ddl(`alter table ${table} detach partition ${partition}; alter table ${partition} rename to ${ENDED}${partition}`),
  )
  await failpoint('retention.before_detach')
}

const listEnded = statement<[], { name: string }>(
  'partition.list_ended',
  `select c.relname as name
     from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and not c.relispartition
      and c.relname ~ '^${ENDED}(event|webhook)_logs_[0-9]{4}_[0-9]{2}$'
    order by c.relname`,
)

/**
 * Drops what was detached, now or before a kill. Answers with the names. One that cannot be dropped keeps no other: it is
 * told of, and found again next time.
 */
export async function dropEnded(
  owner: DbPool,
  onError: (error: unknown, table: string) => void,
): Promise<readonly string[]> {
  const dropped: string[] = []
  for (const { name } of await listEnded(owner)) {
    try {
      await inTransaction(owner, async (db) => await dropTable(db, name), { tries: 1 })
      dropped.push(name)
    } catch (error) {
      onError(error, name)
    }
  }
  return dropped
}

async function dropTable(db: Db, name: string): Promise<void> {
  await db.query({ name: '', text: `set local lock_timeout = '5s'`, values: [] })
  await db.query({ name: '', text: `drop table if exists ${name}`, values: [] })
  await failpoint('retention.before_drop')
}
