import type { Db } from '../db/statement.ts'
import { statement } from '../db/statement.ts'
import { BEFORE_ALL_IDS } from '../lib/ids.ts'
import { UnreadableError } from '../vault/sealed.ts'
import type { Vault } from '../vault/vault.ts'
import { placeOfSecret } from './subscription-store.ts'

interface SecretRow {
  readonly company_id: string
  readonly subscription_id: string
  readonly id: string
  readonly sealed: Buffer | null
}

const readAfter = statement<[companyId: string, subscriptionId: string, id: string, limit: number], SecretRow>(
  'secret.read_after',
  `select company_id, subscription_id, id, sealed
     from subscription_secrets
    where (company_id, subscription_id, id) > ($1::uuid, $2::uuid, $3::uuid)
      and (expires_at is null or expires_at > now())
    order by company_id, subscription_id, id
    limit $4`,
)

/** Signing secrets in force, and how many of them sign nothing. */
export interface SecretCount {
  readonly secrets: number
  /** They do not open with the keys at hand, so their subscriptions get no calls. */
  readonly unreadable: number
  /** Stored in clear; the next start of a server seals them. */
  readonly plain: number
  readonly subscriptions: ReadonlySet<string>
}

const ROWS_PER_READ = 500
/** Opens every signing secret of all companies, a page at a time, and keeps none. */
export async function countUnreadable(db: Db, vault: Vault): Promise<SecretCount> {
  const subscriptions = new Set<string>()
  let [secrets, unreadable, plain] = [0, 0, 0]
  let last: Omit<SecretRow, 'sealed'> | undefined = {
    company_id: BEFORE_ALL_IDS,
    subscription_id: BEFORE_ALL_IDS,
    id: BEFORE_ALL_IDS,
  }
  while (last) {
    const rows: SecretRow[] = await readAfter(db, last.company_id, last.subscription_id, last.id, ROWS_PER_READ)
    for (const [companyId, own] of Map.groupBy(rows, (row) => row.company_id)) {
      const open = await vault.opener(db, companyId)
      for (const { subscription_id, id, sealed } of own) {
        secrets++
        if (sealed === null) plain++
        else if (!opens(() => open(placeOfSecret(subscription_id, id), sealed))) {
          unreadable++
          subscriptions.add(subscription_id)
        }
      }
    }
    last = rows.at(-1)
  }
  return { secrets, unreadable, plain, subscriptions }
}

function opens(open: () => unknown): boolean {
  try {
    open()
    return true
  } catch (error) {
    if (error instanceof UnreadableError) return false
    throw error
  }
}
