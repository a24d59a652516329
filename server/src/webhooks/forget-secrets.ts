import type { Db } from '../db/statement.ts'
import { command, statement } from '../db/statement.ts'

const DAY_SECONDS = 86_400

/** Rows that a statement removes at most. */
const SLICE = 1_000

const findCompanies = statement<[seconds: number], { company_id: string }>(
  'secret.find_companies',
  `select h.company_id
     from company_heads h
    cross join lateral (
      select 1
       where exists (
         select 1 from subscription_secrets s
          where s.company_id = h.company_id and s.expires_at <= now() - $1 * interval '1 second')
          or exists (
         select 1 from subscription_credentials c
          where c.company_id = h.company_id and c.superseded_at <= now() - $1 * interval '1 second')
    ) left_over`,
)

const deleteOld = (name: string, table: string, since: string) =>
  command<[companyId: string, seconds: number, limit: number]>(
    name,
    `with old as materialized (
       select subscription_id, id
         from ${table}
        where company_id = $1 and ${since} <= now() - $2 * interval '1 second'
        order by ${since}
        limit $3
     )
     delete from ${table}
      where company_id = $1 and subscription_id = any(array(select subscription_id from old))
        and id = any(array(select id from old))`,
  )

const deleteSecrets = deleteOld('secret.delete_old', 'subscription_secrets', 'expires_at')
const deleteCredentials = deleteOld('credential.delete_old', 'subscription_credentials', 'superseded_at')

/**
 * Removes signing secrets that expired, and credentials that were replaced, more than a day ago, in small transactions.
 * Nothing shows or signs with them any more; where nobody changes a subscription again, nothing else removes them.
 */
export async function forgetSecrets(db: Db): Promise<void> {
  for (const { company_id: companyId } of await findCompanies(db, DAY_SECONDS)) {
    while ((await deleteSecrets(db, companyId, DAY_SECONDS, SLICE)) === SLICE);
    while ((await deleteCredentials(db, companyId, DAY_SECONDS, SLICE)) === SLICE);
  }
}
