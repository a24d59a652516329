import { Pool, types } from 'pg'
import type { PoolClient } from 'pg'
import type { Db } from './statement.ts'

/**
 * Connections by role. `api` runs reads and administrative writes behind row level security; `engine` runs publish commit,
 * router, dispatcher and maintenance; `owner` alone may change the schema (migrations, partitions) and nothing else uses it.
 */
export interface Pools {
  readonly api: DbPool
  readonly engine: DbPool
  readonly owner: DbPool
  close(): Promise<void>
}

/** Pools that tell how busy they are. */
export interface OpenPools extends Pools {
  loads(): readonly PoolLoad[]
}

/** Connections of one pool. */
export interface PoolLoad {
  readonly pool: 'api' | 'engine' | 'owner'
  readonly inUse: number
  readonly idle: number
  /** Who waits for one to become free. */
  readonly waiting: number
}

export interface DbPool extends Db {
  connect(): Promise<PoolClient>
}

export interface PoolOptions {
  /** postgres:// URL of a login that is a member of both roles. */
  readonly url: string
  readonly apiConnectionsMax?: number
  readonly engineConnectionsMax?: number
  /** No statement is waited for longer. Without it a silent partition hangs a connection for ever. */
  readonly queryTimeoutMs?: number
  /** For opening a connection, or for one to become free. */
  readonly connectTimeoutMs?: number
  /** Told of idle connections that broke; they are replaced by themselves. */
  readonly onError: (error: Error) => void
}

const INT8 = 20

/** int8 as a number: positions and counts stay below 2^53. */
const typeParsers = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 && format !== 'binary' ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
}

/**
 * The engine reaches every row by key, in tables that are empty one minute and hold a hundred thousand rows the next, so
 * statistics are always wrong: a plan made for the empty table scans the full one. Its sessions therefore plan nested
 * loops over indexes and nothing else (docs/adr/0005).
 */
const byIndexOnly = ['enable_seqscan=off', 'enable_hashjoin=off', 'enable_mergejoin=off', 'enable_bitmapscan=off']

/**
 * Lists have conditions that stand only when a filter is given. A plan for all values of them knows neither which stand
 * nor how long a range is: measured on a ledger of 5 million rows, a page took 5 ms by plans of its own, and 200 ms by the one plan for all.
 */
const plannedEachTime = 'plan_cache_mode=force_custom_plan'

export function openPools(options: PoolOptions): OpenPools {
  const open = (role: 'daybook_api' | 'daybook_engine' | undefined, max: number): Pool => {
    const settings = [
      'idle_in_transaction_session_timeout=20s',
      'timezone=UTC',
      'jit=off',
      ...(role === 'daybook_engine' ? byIndexOnly : []),
      ...(role === 'daybook_api' ? [plannedEachTime] : []),
      ...(role ? [`role=${role}`] : []),
    ]
    const pool = new Pool({
      connectionString: options.url,
      application_name: role ?? 'daybook_owner',
      options: settings.map((setting) => `-c ${setting}`).join(' '),
      max,
      connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
      query_timeout: options.queryTimeoutMs ?? 15_000,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
      types: typeParsers,
    })
    pool.on('error', options.onError)
    return pool
  }
  const pools = {
    api: open('daybook_api', options.apiConnectionsMax ?? 10),
    engine: open('daybook_engine', options.engineConnectionsMax ?? 10),
    owner: open(undefined, 2),
  }
  return {
    api: asDb(pools.api),
    engine: asDb(pools.engine),
    owner: asDb(pools.owner),
    loads: () => [loadOf('api', pools.api), loadOf('engine', pools.engine), loadOf('owner', pools.owner)],
    close: async () => {
      await Promise.all([pools.api.end(), pools.engine.end(), pools.owner.end()])
    },
  }
}

function loadOf(name: PoolLoad['pool'], { totalCount, idleCount, waitingCount }: Pool): PoolLoad {
  return { pool: name, inUse: totalCount - idleCount, idle: idleCount, waiting: waitingCount }
}

function asDb(pool: Pool): DbPool {
  return {
    query: (query) => pool.query({ ...query, values: [...query.values] }) as ReturnType<Db['query']> as never,
    connect: () => pool.connect(),
  }
}
