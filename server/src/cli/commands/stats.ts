import type { Command } from 'commander'
import type { DbPool, OpenPools } from '../../db/pools.ts'
import { readConfig } from '../config.ts'
import type { Terminal } from '../terminal.ts'
import { say, sayJson } from '../terminal.ts'
import { withDatabase } from '../with-database.ts'

/** A company's rows are counted in one transaction, of many short statements. */
const QUERY_TIMEOUT_MS = 120_000

export function addStatsCommand(program: Command, terminal: Terminal): void {
  const log = (line: string): void => void terminal.stderr.write(`${line}\n`)
  program
    .command('stats')
    .description('statistics (on the database, not over HTTP)')
    .command('rebuild')
    .description('count them anew from the audit trail and the ledger; servers may run meanwhile')
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
