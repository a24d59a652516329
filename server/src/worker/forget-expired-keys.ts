import type { Db } from '../db/statement.ts'
import { command, statement } from '../db/statement.ts'

const findCompanies = statement<[], { company_id: string }>(
  'publish_key.find_companies',
  `select h.company_id
     from company_heads h
    cross join lateral (
      select 1 from publish_keys k where k.company_id = h.company_id and k.expires_at <= now() limit 1
    ) expired`,
)

const deleteSlice = command<[companyId: string, limit: number]>(
  'publish_key.delete_expired',
  `delete from publish_keys
    where company_id = $1
      and key in (select key from publish_keys where company_id = $1 and expires_at <= now() order by expires_at limit $2)`,
)

const SLICE = 5_000

/** Forgets idempotency keys whose time is over, in small transactions. Until then they are remembered. */
export async function forgetExpiredKeys(db: Db): Promise<void> {
  for (const { company_id } of await findCompanies(db)) {
    while ((await deleteSlice(db, company_id, SLICE)) === SLICE);
  }
}
