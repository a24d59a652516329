import type { Command } from 'commander'
import type { DbPool } from '../../db/pools.ts'
import type { SetAsideRow } from '../../events/set-aside.ts'
import { readConfig } from '../config.ts'
import { parseWholeNumber } from '../option-values.ts'
import type { Column } from '../table.ts'
import { tableText } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { say, sayJson } from '../terminal.ts'
import { withDatabase } from '../with-database.ts'

const reasons = `Reasons:
  payload_gone     the event is not in the log any more
  payload_altered  what is in the log is not what was accepted
  company_gone     there is no such company
  not_routable     the database refuses what routing would write; the detail says why

Mend the reason first: an event that is put back is routed like one just published, and set aside again if it must be.`

const columns: readonly Column<SetAsideRow>[] = [
  { title: 'EVENT', value: ({ event_id }) => event_id },
  { title: 'COMPANY', value: ({ company_id }) => company_id },
  { title: 'REASON', value: ({ reason }) => reason },
  { title: 'SINCE', value: ({ set_aside_at }) => set_aside_at.toISOString() },
  { title: 'DETAIL', value: ({ detail }) => detail },
]

export function addSetAsideCommand(program: Command, terminal: Terminal): void {
  const overDatabase = async <Result>(work: (engine: DbPool) => Promise<Result>): Promise<Result> => {
    const log = (line: string): void => void terminal.stderr.write(`${line}\n`)
    return await withDatabase(readConfig(terminal.env), log, async ({ engine }) => await work(engine))
  }
  const group = program
    .command('set-aside')
    .description('accepted events that cannot be routed: list them, put them back (on the database, not over HTTP)')
    .addHelpText('after', `\n${reasons}`)
  group
    .command('list')
    .description('list them, the longest there first')
    .option('--limit <n>', 'this many at most', parseWholeNumber(1, 10_000), 100)
    .option('--json', 'answer in JSON, for programs: one document per line')
    .action(async ({ limit, json }: { readonly limit: number; readonly json?: true }) => {
      const { listSetAside } = await import('../../events/set-aside.ts')
      const rows = await overDatabase(async (engine) => await listSetAside(engine, limit))
      if (json) for (const row of rows) sayJson(terminal, row)
      else say(terminal, rows.length === 0 ? 'Nothing is set aside' : tableText(terminal.stdout, columns, rows))
    })
  group
    .command('put-back')
    .description('hand them to the router once more')
    .argument('[event-ids...]', 'as in the list; all that are there now when absent')
    .option('--json', 'answer in JSON, for programs')
    .action(async (eventIds: readonly string[], { json }: { readonly json?: true }) => {
      const count = await overDatabase(async (engine) => await putBackEvents(engine, eventIds))
      if (json) sayJson(terminal, { put_back: count })
      else say(terminal, `Put back: ${count}`)
    })
}

const ROWS_AT_ONCE = 10_000

/**
 * Those that are named, or all that are there when this begins: what is set aside again meanwhile stays. Throws before anything is put
 * back when one that is named is not there.
 */
async function putBackEvents(engine: DbPool, eventIds: readonly string[]): Promise<number> {
  const { putBack, readSetAside } = await import('../../events/set-aside.ts')
  const wanted = new Set(eventIds.map((id) => id.toLowerCase()))
  const rows = await readSetAside(engine, ROWS_AT_ONCE)
  const chosen = wanted.size === 0 ? rows : rows.filter(({ event_id }) => wanted.has(event_id))
  const found = new Set(chosen.map(({ event_id }) => event_id))
  const missing = [...wanted].filter((id) => !found.has(id))
  if (missing.length > 0) throw new Error(`Not set aside, so nothing was put back: ${missing.join(', ')}`)
  let count = 0
  for (const [companyId, own] of Map.groupBy(chosen, ({ company_id }) => company_id)) {
    const seqs = own.map(({ seq }) => seq)
    for (let at = 0; at < seqs.length; at += ROWS_AT_ONCE) {
      count += await putBack(engine, companyId, seqs.slice(at, at + ROWS_AT_ONCE))
    }
  }
  return count
}
