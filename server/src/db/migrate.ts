import { fileURLToPath } from 'node:url'
import { runner } from 'node-pg-migrate'
import { Client } from 'pg'

/** The directory of this version's migrations. */
export const ownMigrations = fileURLToPath(new URL('../../migrations/', import.meta.url))

/**
 * Brings the schema up to date. Two starters at once are safe: the second waits for the first. Each migration is one
 * transaction, so a failed one leaves nothing behind. Answers with the names of the migrations that it ran.
 */
export async function migrate(
  url: string,
  log: (message: string) => void,
  directory: string = ownMigrations,
): Promise<readonly string[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    await checkServer(client)
    const ran = await runner({
      dbClient: client,
      dir: directory,
      migrationsTable: 'migrations',
      direction: 'up',
      advisoryLockMode: 'wait',
      checkOrder: true,
      singleTransaction: false,
      logger: { debug: () => {}, info: () => {}, warn: log, error: log },
    })
    return ran.map(({ name }) => name)
  } finally {
    await client.end()
  }
}

const OLDEST_SERVER = 150_000

/** Refuses a server that cannot keep the promises: too old, or one that acknowledges before the disk has it. */
async function checkServer(client: Client): Promise<void> {
  const { rows } = await client.query<{ version: string; encoding: string }>(
    `select current_setting('server_version_num') as version,
            pg_encoding_to_char(encoding) as encoding from pg_database where datname = current_database()`,
  )
  const { version = '0', encoding = '' } = rows[0] ?? {}
  if (Number(version) < OLDEST_SERVER) throw new Error('Daybook needs PostgreSQL 15 or later')
  if (encoding !== 'UTF8') throw new Error(`Daybook needs a database in UTF8, this one is in ${encoding}`)
}
