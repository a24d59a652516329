import type { DbPool } from '../db/pools.ts'
import { command, statement } from '../db/statement.ts'
import { inTransaction } from '../db/transaction.ts'
import { Secret } from '../vault/secret.ts'
import type { Vault } from '../vault/vault.ts'
import { placeOfSecret } from './subscription-store.ts'

interface PlainRow {
  company_id: string
  subscription_id: string
  id: string
  secret: string
}

const findPlain = statement<[limit: number], PlainRow>(
  'secret.find_plain',
  `select company_id, subscription_id, id, secret
     from subscription_secrets
    where secret is not null
    order by company_id, subscription_id, id
    limit $1`,
)

/** Counts only while the row is as it was read, so two starters at once do no harm. */
const replacePlain = command<[companyId: string, subscriptionId: string, id: string, secret: string, sealed: Buffer]>(
  'secret.replace_plain',
  `update subscription_secrets
      set secret = null, sealed = $5
    where company_id = $1 and subscription_id = $2 and id = $3 and secret = $4`,
)

const ROWS_PER_COMMIT = 500

/**
 * Seals the signing secrets that versions before 0.2 stored in clear; run at every start, before anything is delivered.
 * Answers with how many there were. Copies that the database keeps for a while elsewhere (dead rows until a vacuum, the
 * write-ahead log, backups) are not its business.
 */
export async function sealPlainSecrets(engine: DbPool, vault: Vault): Promise<number> {
  let sealed = 0
  for (;;) {
    const rows = await findPlain(engine, ROWS_PER_COMMIT)
    if (rows.length === 0) return sealed
    for (const [companyId, own] of Map.groupBy(rows, (row) => row.company_id)) {
      const seal = await vault.sealer(engine, companyId)
      sealed += await inTransaction(engine, async (db) => {
        let written = 0
        for (const { subscription_id, id, secret } of own) {
          const bytes = seal(placeOfSecret(subscription_id, id), new Secret(secret))
          written += await replacePlain(db, companyId, subscription_id, id, secret, bytes)
        }
        return written
      })
    }
  }
}
