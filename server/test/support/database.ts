import { randomBytes } from 'node:crypto'
import type { Owner } from '../torture/cleanup.ts'
import { Client } from 'pg'
import type { Pools } from '../../src/db/pools.ts'
import { openPools } from '../../src/db/pools.ts'

/** Holds the URL of the server that tests make their databases on; set by the global set-up. */
export const SERVER_VARIABLE = 'DAYBOOK_TEST_SERVER'
export const TEMPLATE = 'daybook_template'

export interface TestDatabase {
  readonly url: string
  readonly pools: Pools
  /** Has something closed after the test and before the database goes, the last one first. */
  closeFirst(close: () => Promise<void>): void
}

/** A database of its own, migrated and empty, with pools on it; both are gone after the test. */
export async function testDatabase(t: Owner): Promise<TestDatabase> {
  const name = `t_${randomBytes(6).toString('hex')}`
  await asAdministrator(async (run) => {
    for (let tries = 1; ; tries++) {
      try {
        await run(`create database ${name} template ${TEMPLATE}`)
        return
      } catch (error) {
        // Another file clones the template at this moment.
        if (tries === 20 || !(error instanceof Error) || !error.message.includes('being accessed')) throw error
      }
    }
  })
  const url = withDatabase(name)
  const pools = openPools({ url, onError: () => {} })
  const closers = [pools.close]
  t.after(async () => {
    for (const close of closers.toReversed()) await close()
    await asAdministrator(async (run) => await run(`drop database if exists ${name} with (force)`))
  })
  return { url, pools, closeFirst: (close) => void closers.push(close) }
}

export async function asAdministrator(work: (run: (sql: string) => Promise<void>) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: serverUrl() })
  await client.connect()
  try {
    await work(async (sql) => {
      await client.query(sql)
    })
  } finally {
    await client.end()
  }
}

export function withDatabase(name: string): string {
  const url = new URL(serverUrl())
  url.pathname = `/${name}`
  return url.href
}

function serverUrl(): string {
  const url = process.env[SERVER_VARIABLE]
  if (!url)
    throw new Error('Run the tests by `npm test`, or with --test-global-setup=server/test/support/global-setup.ts')
  return url
}
