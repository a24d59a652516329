import type { DbPool } from '../db/pools.ts'
import { command, statement } from '../db/statement.ts'
import { inTransaction } from '../db/transaction.ts'
import { BEFORE_ALL_IDS } from '../lib/ids.ts'
import { UnreadableError } from '../vault/sealed.ts'
import { Secret } from '../vault/secret.ts'
import type { Vault } from '../vault/vault.ts'
import { placeOfSecret } from './subscription-store.ts'

interface PlainRow {
  company_id: string
  subscription_id: string
  id: string
  secret: string
}

type PlainKey = [companyId: string, subscriptionId: string, id: string]

const findPlain = statement<[...after: PlainKey, limit: number], PlainRow>(
  'secret.find_plain',
  `select company_id, subscription_id, id, secret
     from subscription_secrets
    where secret is not null and (company_id, subscription_id, id) > ($1, $2, $3)
    order by company_id, subscription_id, id
    limit $4`,
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
 * Seals the signing secrets that earlier versions stored in clear; run at every start, before anything is delivered.
 * Answers with how many there were. A company whose key cannot be opened is told of and left as it is; others go on. Copies that the database keeps for a while elsewhere (dead rows until a vacuum, the
 * write-ahead log, backups) are not its business.
 */
export async function sealPlainSecrets(
  engine: DbPool,
  vault: Vault,
  onLeftOut: (companyId: string) => void,
): Promise<number> {
  const leftOut = new Set<string>()
  let after: PlainKey = [BEFORE_ALL_IDS, BEFORE_ALL_IDS, BEFORE_ALL_IDS]
  let sealed = 0
  for (;;) {
    const rows = await findPlain(engine, ...after, ROWS_PER_COMMIT)
    const last = rows.at(-1)
    if (!last) return sealed
    after = [last.company_id, last.subscription_id, last.id]
    for (const [companyId, own] of Map.groupBy(rows, (row) => row.company_id)) {
      if (leftOut.has(companyId)) continue
      const seal = await findSealer(engine, vault, companyId)
      if (!seal) {
        leftOut.add(companyId)
        onLeftOut(companyId)
        continue
      }
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

/** Undefined when the company's key cannot be opened. */
async function findSealer(
  engine: DbPool,
  vault: Vault,
  companyId: string,
): Promise<Awaited<ReturnType<Vault['sealer']>> | undefined> {
  try {
    return await vault.sealer(engine, companyId)
  } catch (error) {
    if (error instanceof UnreadableError) return undefined
    throw error
  }
}
