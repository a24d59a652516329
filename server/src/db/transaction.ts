import type { PoolClient } from 'pg'
import type { DbPool } from './pools.ts'
import type { Db } from './statement.ts'

/** Deadlock, serialization failure, lock timeout: the transaction did nothing wrong and may be tried again. */
const retryable = new Set(['40P01', '40001', '55P03'])

const TRIES = 4

/**
 * Runs `work` in a transaction of its own and commits when it resolves, rolls back when it throws. After a deadlock the
 * whole of `work` is run again, so it must do nothing but database work.
 * @param options.tries 1 for what is better given up than tried again at once
 */
export async function inTransaction<Result>(
  pool: DbPool,
  work: (db: Db) => Promise<Result>,
  options: { readonly tries?: number } = {},
): Promise<Result> {
  return await tryTransaction(pool, 'begin', work, options.tries)
}

/** Like {@link inTransaction}, seeing and writing one company's rows only (row level security). */
export async function asCompany<Result>(
  pool: DbPool,
  companyId: string,
  work: (db: Db) => Promise<Result>,
): Promise<Result> {
  if (!/^[0-9a-f-]{36}$/.test(companyId)) throw new Error('A company id must be a UUID in lower case')
  return await tryTransaction(pool, `begin; set local app.company_id = '${companyId}'`, work)
}

async function tryTransaction<Result>(
  pool: DbPool,
  begin: string,
  work: (db: Db) => Promise<Result>,
  tries: number = TRIES,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await oneTransaction(pool, begin, work)
    } catch (error) {
      if (attempt >= tries || !retryable.has(sqlState(error) ?? '')) throw error
    }
  }
}

async function oneTransaction<Result>(pool: DbPool, begin: string, work: (db: Db) => Promise<Result>): Promise<Result> {
  const client = await pool.connect()
  let broken: Error | undefined
  // A connection that breaks between two statements tells so by an event, and nobody listening would end the process. The
  // next statement on it fails.
  const onBreak = (error: Error): void => void (broken = error)
  client.on('error', onBreak)
  try {
    await client.query(begin)
    const result = await work(asDb(client))
    await client.query('commit')
    return result
  } catch (error) {
    broken ??= await rollBack(client)
    throw error
  } finally {
    client.off('error', onBreak)
    client.release(broken)
  }
}

/** Rolls back, or tells that the connection is past use: the server ends its transaction when the connection closes. */
async function rollBack(client: PoolClient): Promise<Error | undefined> {
  try {
    await client.query('rollback')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error('rollback failed')
  }
}

function asDb(client: PoolClient): Db {
  return { query: (query) => client.query({ ...query, values: [...query.values] }) as never }
}

/** The SQLSTATE of a database error; undefined for every other error (a broken connection, a time-out, a bug). */
export function sqlState(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' && sqlStatePattern.test(code) ? code : undefined
}

/** Classes begin with a digit but for four of them. So `EPIPE` is none. */
const sqlStatePattern = /^(?:[0-9][0-9A-Z]|F0|HV|P0|XX)[0-9A-Z]{3}$/

/**
 * Whether the error tells of the server or the way to it and not of the statement: no SQLSTATE at all, or class 08, 53 or
 * 57. The same statement may succeed later, and whether this one did is unknown.
 */
export function isServerTrouble(error: unknown): boolean {
  return /^(08|53|57)/.test(sqlState(error) ?? '08')
}

/**
 * Whether the database refused the data itself: exceptions of data (class 22), broken constraints (23), limits such as
 * that of an index row (54), a damaged row (XX001, XX002), or what a trigger of the operator raised (P0001). The same
 * batch would fail for ever. All else (no server, no right, no table, a bug of ours) may be mended from outside.
 */
export function isAboutData(error: unknown): boolean {
  return /^(22|23|54|XX001|XX002|P0001)/.test(sqlState(error) ?? '')
}
