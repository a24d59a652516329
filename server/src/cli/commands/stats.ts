import type { Command } from 'commander'
import { Option } from 'commander'
import type { DbPool, OpenPools } from '../../db/pools.ts'
import { readConfig } from '../config.ts'
import { addConnectionOptions } from '../connection.ts'
import { collect } from '../option-values.ts'
import type { Terminal } from '../terminal.ts'
import { say, sayJson } from '../terminal.ts'
import { withDatabase } from '../with-database.ts'
import { showStats } from './show-stats.ts'
import type { StatsOptions } from './show-stats.ts'

/** A company's rows are counted in one transaction, of many short statements. */
const QUERY_TIMEOUT_MS = 120_000

export function addStatsCommand(program: Command, terminal: Terminal): void {
  const log = (line: string): void => void terminal.stderr.write(`${line}\n`)
  const stats = program.command('stats').description('how many events there were, and how they were delivered')
  const show = stats
    .command('show', { isDefault: true })
    .description('show the last 24 hours, or another time')
    .option('--from <time>', 'RFC 3339, or relative: -30m, -24h, -7d')
    .option('--to <time>', 'like --from; itself not included')
    .addOption(new Option('--bucket <size>', 'how finely').choices(['auto', 'minute', 'hour', 'day']))
    .option('--name <name>', 'only these, or a prefix such as appointment.*; may be repeated', collect(String))
    .option('--subscription <id>', 'only deliveries to this one')
    .addHelpText('after', '\nExample:\n  daybook stats --from -7d --bucket day')
    .action(async (options: StatsOptions) => await showStats(terminal, options))
  addConnectionOptions(show)
  stats
    .command('rebuild')
    .description('count them anew from the audit trail and the ledger, on the database; servers may run meanwhile')
    .option('--company <id>', 'only of this company; of all when absent')
    .option('--json', 'answer in JSON, for programs: one document per company')
    .action(async ({ company, json }: { readonly company?: string; readonly json?: true }) => {
      const { rebuildStats } = await import('../../webhooks/stats/rebuild-stats.ts')
      const work = async ({ engine }: OpenPools): Promise<void> => {
        for await (const { id, name } of companiesOf(engine, company)) {
          const { events, ends } = await rebuildStats(engine, id, Date.now())
          if (json) sayJson(terminal, { company_id: id, events, ends })
          else say(terminal, `${id} ${name}: ${events} events, ${ends} attempts and endings`)
        }
      }
      await withDatabase(readConfig(terminal.env), log, work, { queryTimeoutMs: QUERY_TIMEOUT_MS })
    })
}

const COMPANIES_AT_ONCE = 100

/** The one that is named, or all, the newest first. Throws where there is no such company. */
async function* companiesOf(
  engine: DbPool,
  named: string | undefined,
): AsyncGenerator<{ readonly id: string; readonly name: string }> {
  const { getCompany, listCompanies } = await import('../../identity/companies.ts')
  const { canonicalUuid } = await import('../../lib/ids.ts')
  if (named !== undefined) {
    const id = canonicalUuid(named)
    if (id === undefined) throw new Error(`Not the id of a company: ${named}`)
    yield await getCompany(engine, id)
    return
  }
  let before: string | null = null
  for (;;) {
    const companies = await listCompanies(engine, before, COMPANIES_AT_ONCE)
    yield* companies
    const last = companies.at(-1)
    if (!last || companies.length < COMPANIES_AT_ONCE) return
    before = last.id
  }
}
