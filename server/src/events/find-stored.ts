import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'

const findRows = statement<[companyId: string, ids: readonly string[]], { id: string }>(
  'event.find_stored',
  `select w.id
     from unnest($2::uuid[]) as w(id)
    cross join lateral (
      select 1 from event_logs l where l.company_id = $1 and l.id = w.id limit 1
    ) l`,
)

/** Those of the events whose payload is stored. The payloads are not read. */
export async function findStored(db: Db, companyId: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  return new Set((await findRows(db, companyId, ids)).map(({ id }) => id))
}
