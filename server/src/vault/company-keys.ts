import { randomBytes } from 'node:crypto'
import type { DbPool } from '../db/pools.ts'
import type { Db } from '../db/statement.ts'
import { command, statement } from '../db/statement.ts'
import { inTransaction } from '../db/transaction.ts'
import type { Keyring } from './master-keys.ts'
import { lockMasterKeyInUse } from './master-key-use.ts'
import type { Place } from './sealed.ts'
import { UnreadableError, open, seal } from './sealed.ts'
import { KEY_BYTES, toVaultKey } from './vault-key.ts'
import type { VaultKey } from './vault-key.ts'

/** A company's own key, sealed with a master key. Values name it by its id, which only its bytes tell. */
export interface CompanyKeyRow {
  readonly company_id: string
  readonly version: number
  readonly sealed: Buffer
}

const findRows = statement<[companyId: string], CompanyKeyRow>(
  'company_key.find',
  `select company_id, version, sealed from company_keys where company_id = $1 order by version desc`,
)

const insertRow = command<[companyId: string, version: number, sealed: Buffer]>(
  'company_key.insert',
  `insert into company_keys (company_id, version, sealed) values ($1, $2, $3) on conflict do nothing`,
)

const FIRST_VERSION = 1

export function placeOfKey({ company_id, version }: Omit<CompanyKeyRow, 'sealed'>): Place {
  return { companyId: company_id, table: 'company_keys', column: 'sealed', rowId: String(version) }
}

/**
 * The company's keys that can be opened, the newest first. One that cannot is left out: what is sealed with it does not
 * open, and nothing else suffers.
 */
export async function readCompanyKeys(
  db: Db,
  companyId: string,
  keyring: Keyring,
): Promise<ReadonlyMap<string, VaultKey>> {
  const keys = (await findRows(db, companyId)).flatMap((row) => openKey(row, keyring))
  return new Map(keys.map((key) => [key.id, key]))
}

/**
 * The key to seal the company's values with. The first is made when it is needed, in a transaction of its own, so a key that
 * was ever given out is stored whatever becomes of the caller's transaction. Of two makers at once one wins, for both.
 */
export async function getCompanyKey(db: Db, engine: DbPool, companyId: string, keyring: Keyring): Promise<VaultKey> {
  const [newest] = await findRows(db, companyId)
  if (newest) return openNewest(newest, keyring)
  await inTransaction(engine, async (own) => {
    const master = await lockMasterKeyInUse(own, keyring)
    const row = { company_id: companyId, version: FIRST_VERSION }
    await insertRow(own, companyId, FIRST_VERSION, seal(master, placeOfKey(row), randomBytes(KEY_BYTES)))
  })
  const [made] = await findRows(db, companyId)
  if (!made) throw new Error(`The key of company ${companyId} is not to be seen`)
  return openNewest(made, keyring)
}

function openNewest(row: CompanyKeyRow, keyring: Keyring): VaultKey {
  return toVaultKey(open(keyring.byId, placeOfKey(row), row.sealed))
}

function openKey(row: CompanyKeyRow, keyring: Keyring): VaultKey[] {
  try {
    return [openNewest(row, keyring)]
  } catch (error) {
    if (error instanceof UnreadableError) return []
    throw error
  }
}
