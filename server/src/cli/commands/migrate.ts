import type { Command } from 'commander'
import type { Config } from '../config.ts'
import { readConfig } from '../config.ts'
import type { Terminal } from '../terminal.ts'
import { say, sayJson } from '../terminal.ts'

export function addMigrateCommand(program: Command, terminal: Terminal): void {
  program
    .command('migrate')
    .description('bring the schema of DATABASE_URL, or of the embedded database, up to date')
    .option('--json', 'answer in JSON, for programs')
    .action(async ({ json }: { readonly json?: true }) => {
      const config = readConfig(terminal.env)
      const { names, database } = await migrateDatabase(config, (line) => terminal.stderr.write(`${line}\n`))
      if (json) sayJson(terminal, { database, migrations: names })
      else say(terminal, [`Database: ${database}`, ...(names.length > 0 ? names : ['Nothing to do'])].join('\n'))
    })
}

async function migrateDatabase(
  { databaseUrl, dataDir }: Config,
  log: (line: string) => void,
): Promise<{ names: readonly string[]; database: string }> {
  const { migrate } = await import('../../db/migrate.ts')
  if (databaseUrl !== undefined) {
    return { names: await migrate(databaseUrl, log), database: withoutPassword(databaseUrl) }
  }
  const { startEmbeddedPostgres } = await import('../../db/embedded/start-embedded-postgres.ts')
  const postgres = await startEmbeddedPostgres({ dataDir, log })
  try {
    return { names: await migrate(postgres.url, log), database: `embedded, in ${dataDir}` }
  } finally {
    await postgres.stop()
  }
}

/** Host, port and name; a text that is no URL is shown as nothing, since nobody knows where its password stands. */
function withoutPassword(databaseUrl: string): string {
  if (!URL.canParse(databaseUrl)) return 'DATABASE_URL'
  const { host, pathname } = new URL(databaseUrl)
  return host + pathname
}
