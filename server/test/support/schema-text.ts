import type { Db } from '../../src/db/statement.ts'

/**
 * The schema as text, the same from every supported server: tables with columns and constraints, indexes, policies and
 * grants. Partitions are left out, their names depend on the date. docs/schema.txt is this text, so a change of the schema
 * shows in review.
 */
export async function schemaText(db: Db): Promise<string> {
  const lines = async (text: string): Promise<string[]> => {
    const { rows } = await db.query<{ line: string }>({ name: '', text, values: [] })
    return rows.map(({ line }) => line)
  }
  const tables = await lines(
    `select c.relname as line from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      order by 1`,
  )
  const parts: string[] = []
  for (const table of tables) parts.push(await describeTable(lines, table))
  const sequences = await lines(
    `select 'sequence ' || sequencename || ' cache ' || cache_size as line
       from pg_sequences where schemaname = 'public' and sequencename not like 'migrations%' order by 1`,
  )
  return `${[...parts, sequences.join('\n')].join('\n\n')}\n`
}

async function describeTable(lines: (text: string) => Promise<string[]>, table: string): Promise<string> {
  const oid = `'public.${table}'::regclass`
  const [kind = ''] = await lines(
    `select case when c.relkind = 'p' then ' ' || 'partition by ' || pg_get_partkeydef(c.oid) else '' end
            || coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '') as line
       from pg_class c where c.oid = ${oid}`,
  )
  const columns = await lines(
    `select '  ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
            || case when a.attnotnull then ' not null' else '' end
            || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') as line
       from pg_attribute a
       left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = ${oid} and a.attnum > 0 and not a.attisdropped
      order by a.attnum`,
  )
  const constraints = await lines(
    `select '  constraint ' || conname || ' ' || pg_get_constraintdef(oid) as line
       from pg_constraint where conrelid = ${oid} and contype <> 'n' order by 1`,
  )
  const indexes = await lines(
    `select replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') as line
       from pg_index i
      where i.indrelid = ${oid} and not exists (select 1 from pg_constraint k where k.conindid = i.indexrelid)
      order by 1`,
  )
  const policies = await lines(
    `select 'policy ' || policyname || ' for ' || cmd || ' to ' || array_to_string(roles, ', ')
            || coalesce(' using ' || qual, '') || coalesce(' with check ' || with_check, '') as line
       from pg_policies where schemaname = 'public' and tablename = '${table}' order by 1`,
  )
  const grants = await lines(
    `select 'grant ' || string_agg(lower(privilege_type), ', ' order by privilege_type) || ' to ' || grantee as line
       from information_schema.role_table_grants
      where table_schema = 'public' and table_name = '${table}' and grantee in ('daybook_api', 'daybook_engine')
      group by grantee order by 1`,
  )
  return [`table ${table}${kind}`, ...columns, ...constraints, ...indexes, ...policies, ...grants].join('\n')
}
