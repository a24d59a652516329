import type { Db } from '../db/statement.ts'
import { statement } from '../db/statement.ts'

const readInForce = statement<[companyIds: readonly string[], ids: readonly string[]], { id: string }>(
  'api_key.read_in_force',
  `select k.id
     from unnest($1::uuid[], $2::uuid[]) as wanted(company_id, id)
    cross join lateral (
      select id
        from api_keys
       where company_id = wanted.company_id and id = wanted.id and revoked_at is null
         and (expires_at is null or expires_at > now())
       limit 1
    ) k`,
)

/** Ids of those of these keys that are neither revoked nor expired. For the engine's role, which sees all companies. */
export async function keysInForce(
  db: Db,
  keys: readonly { readonly companyId: string; readonly keyId: string }[],
): Promise<ReadonlySet<string>> {
  const companyIds = keys.map(({ companyId }) => companyId)
  const ids = keys.map(({ keyId }) => keyId)
  return new Set((await readInForce(db, companyIds, ids)).map(({ id }) => id))
}
