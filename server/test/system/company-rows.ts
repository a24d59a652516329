import type { Db } from '../../src/db/statement.ts'
import { sql } from '../support/sql.ts'

const findTables = `
  select c.relname as name
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'company_id'
   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
   order by c.relname`

/** Every row of a company as text, its own row included, by table. A table that is new is looked at by itself. */
export async function companyRows(engine: Db, companyId: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const tables = await sql<{ name: string }>(engine, findTables)
  const found: Record<string, string[]> = {}
  for (const { name } of tables) {
    const text = `select row_to_json(t)::text as row from ${name} t where company_id = $1 order by 1`
    found[name] = (await sql<{ row: string }>(engine, text, [companyId])).map(({ row }) => row)
  }
  const own = 'select row_to_json(c)::text as row from companies c where id = $1'
  found['companies'] = (await sql<{ row: string }>(engine, own, [companyId])).map(({ row }) => row)
  return found
}

/** The same while a server runs, without the statistics: they are counted a second behind what they count. */
export async function settledRows(engine: Db, companyId: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const rows = await companyRows(engine, companyId)
  return { ...rows, attempt_journal: [], stats_heads: [], event_stats: [], delivery_stats: [] }
}
