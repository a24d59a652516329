import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EmbeddedPostgres } from '../../src/db/embedded/start-embedded-postgres.ts'
import { startEmbeddedPostgres } from '../../src/db/embedded/start-embedded-postgres.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openPools } from '../../src/db/pools.ts'
import { ensurePartitions } from '../../src/db/partitions.ts'
import { SERVER_VARIABLE, TEMPLATE, asAdministrator, withDatabase } from './database.ts'

/**
 * One PostgreSQL for the whole run, with a migrated template that every test file clones. It is the embedded one, without
 * fsync, unless DAYBOOK_TEST_SERVER names another (any server whose login may create databases and roles).
 */
let embedded: EmbeddedPostgres | undefined
let directory: string | undefined

export async function globalSetup(): Promise<void> {
  if (!process.env[SERVER_VARIABLE]) {
    directory = await mkdtemp(join(tmpdir(), 'daybook-test-'))
    await chmod(directory, 0o755) // as root the server runs under another account, which then finds its way in
    const settings = { fsync: 'off', max_connections: '300' }
    embedded = await startEmbeddedPostgres({ dataDir: directory, log: () => {}, settings })
    process.env[SERVER_VARIABLE] = embedded.url
  }
  await asAdministrator(async (run) => {
    await run(`drop database if exists ${TEMPLATE} with (force)`)
    await run(`create database ${TEMPLATE} template template0 encoding 'UTF8'`)
  })
  const url = withDatabase(TEMPLATE)
  await migrate(url, () => {})
  const pools = openPools({ url, onError: () => {} })
  await ensurePartitions(pools.owner, Date.now())
  await pools.close()
}

export async function globalTeardown(): Promise<void> {
  await embedded?.stop()
  if (directory !== undefined) await rm(directory, { recursive: true, force: true })
}
