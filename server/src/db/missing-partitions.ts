import { partitionName, partitioned } from './partitions.ts'
import { statement } from './statement.ts'
import type { Db } from './statement.ts'

const findMissing = statement<[names: readonly string[]], { name: string }>(
  'partition.find_missing',
  `select w.name
     from unnest($1::text[]) as w(name)
    where not exists (
        select 1 from pg_class c join pg_inherits i on i.inhrelid = c.oid
         where c.relname = w.name and c.relnamespace = 'public'::regnamespace)
    order by w.name`,
)

/** Partitions of this month and the next that are not there, or not attached. Without this month's nothing is accepted. */
export async function missingPartitions(db: Db, nowMs: number): Promise<readonly string[]> {
  const now = new Date(nowMs)
  const months = [0, 1].map((offset) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 1)))
  const names = partitioned.flatMap((table) => months.map((month) => partitionName(table, month)))
  return (await findMissing(db, names)).map(({ name }) => name)
}
