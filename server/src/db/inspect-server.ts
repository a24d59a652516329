import { readdir } from 'node:fs/promises'
import { ownMigrations } from './migrate.ts'
import { statement } from './statement.ts'
import type { Db } from './statement.ts'

/** What of the server's settings decides whether a commit lasts. */
export interface ServerFacts {
  readonly version: string
  readonly version_num: number
  readonly fsync: boolean
  readonly synchronous_commit: boolean
  readonly full_page_writes: boolean
}

/** `local` and better wait for the disk of this server; only `off` does not. */
const readServer = statement<[], ServerFacts>(
  'server.read_facts',
  `select current_setting('server_version') as version,
          current_setting('server_version_num')::int as version_num,
          current_setting('fsync')::boolean as fsync,
          current_setting('synchronous_commit') <> 'off' as synchronous_commit,
          current_setting('full_page_writes')::boolean as full_page_writes`,
)

export async function readServerFacts(db: Db): Promise<ServerFacts | undefined> {
  return (await readServer(db))[0]
}

const readClock = statement<[], { now_ms: number }>(
  'server.read_clock',
  `select extract(epoch from clock_timestamp())::double precision * 1000 as now_ms`,
)

/**
 * How far the clock here is ahead of the database's, in milliseconds. The answer was made somewhere between question and
 * arrival, so what could be the way is not counted as a difference.
 */
export async function readClockDifference(db: Db, clock: { now(): number; elapsed(): number }): Promise<number> {
  const askedAt = clock.elapsed()
  const [row] = await readClock(db)
  const wayMs = clock.elapsed() - askedAt
  const difference = clock.now() - wayMs / 2 - (row?.now_ms ?? Number.NaN)
  return Math.abs(difference) <= wayMs / 2 ? 0 : difference
}

const findMigrations = statement<[], { name: string }>('migration.find', `select name from migrations order by id`)

export interface MigrationState {
  /** What this version needs and the database does not have. */
  readonly pending: readonly string[]
  /** What the database has and this version does not know: a newer version was here. */
  readonly unknown: readonly string[]
}

/** The names of this version's migrations, in order. They do not change while a process runs. */
export async function namesOfMigrations(): Promise<readonly string[]> {
  return (await readdir(ownMigrations)).map((file) => file.replace(/\.sql$/, '')).sort()
}

/** Compares what ran with what this version brings. */
export async function readMigrationState(db: Db, own: readonly string[]): Promise<MigrationState> {
  const ran = (await findMigrations(db)).map(({ name }) => name)
  return {
    pending: own.filter((name) => !ran.includes(name)),
    unknown: ran.filter((name) => !own.includes(name)),
  }
}

/**
 * The age of the oldest transaction that keeps dead rows from being cleared away, seconds; 0 when there is none. Sessions of
 * other logins are seen with the right `pg_read_all_stats` only. Autovacuum's own do not count: it does not keep them.
 */
const findOldestTransaction = statement<[], { seconds: number; application: string }>(
  'server.oldest_transaction',
  `select extract(epoch from clock_timestamp() - since)::double precision as seconds, application
     from (select xact_start as since, coalesce(application_name, '') as application
             from pg_stat_activity
            where (backend_xmin is not null or backend_xid is not null) and backend_type = 'client backend'
              and datname = current_database() and pid <> pg_backend_pid()
           union all
           select prepared, 'prepared transaction ' || gid from pg_prepared_xacts
            where database = current_database()) held
    where since is not null
    order by since
    limit 1`,
)

export interface OldestTransaction {
  readonly seconds: number
  /** What its session calls itself. */
  readonly application: string
}

/** @param owner a session without another role: a role sees its own sessions only */
export async function readOldestTransaction(owner: Db): Promise<OldestTransaction | undefined> {
  return (await findOldestTransaction(owner))[0]
}
