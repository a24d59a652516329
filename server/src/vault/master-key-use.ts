import type { Db } from '../db/statement.ts'
import { command, statement } from '../db/statement.ts'
import type { Keyring } from './master-keys.ts'
import { MasterKeyError } from './master-keys.ts'
import type { VaultKey } from './vault-key.ts'

/**
 * Which master key this database is sealed with: one row, so that all processes agree, whatever the order of their keys.
 * Only a rotation changes it. Whoever makes a company key locks the row `for share` until its commit, so once a rotation
 * has changed it nothing more is sealed with the old key.
 */
const useFirst = command<[keyId: string]>(
  'master_key.use_first',
  `insert into master_key_use (name, key_id) values ('current', $1) on conflict do nothing`,
)

const findUsed = statement<[], { key_id: string }>(
  'master_key.find_used',
  `select key_id from master_key_use where name = 'current'`,
)

const lockUsed = statement<[], { key_id: string }>(
  'master_key.lock_used',
  `select key_id from master_key_use where name = 'current' for share`,
)

const changeUsed = command<[keyId: string]>(
  'master_key.change_used',
  `update master_key_use set key_id = $1, since = now() where name = 'current' and key_id <> $1`,
)

/** How many company keys are sealed with each master key. A plain look over a table with a row per company. */
export const countUses = statement<[], { key_id: string; count: number }>(
  'master_key.count_uses',
  `select encode(substr(sealed, 2, 8), 'hex') as key_id, count(company_id) as count from company_keys group by 1 order by 1`,
)

/** Its id, once anything was sealed or a server was started. */
export async function findMasterKeyInUse(db: Db): Promise<string | undefined> {
  const [used] = await findUsed(db)
  return used?.key_id
}

/** The key to seal with, in the caller's transaction, which has the engine's role. */
export async function lockMasterKeyInUse(db: Db, keyring: Keyring): Promise<VaultKey> {
  let [used] = await lockUsed(db)
  if (!used) {
    await useFirst(db, keyring.first.id)
    ;[used] = await lockUsed(db)
  }
  const key = used && keyring.byId.get(used.key_id)
  if (!key) throw unknownKeys([used?.key_id ?? '?'], keyring)
  return key
}

/** From the commit on, everything new is sealed with the first key. */
export async function useFirstMasterKey(db: Db, keyring: Keyring): Promise<void> {
  await useFirst(db, keyring.first.id)
  await changeUsed(db, keyring.first.id)
}

/** {@link refuseUnfitKeys}, once the first key is marked as the one in use on a database that knows none yet. */
export async function checkMasterKeys(db: Db, keyring: Keyring): Promise<void> {
  await useFirst(db, keyring.first.id)
  await refuseUnfitKeys(db, keyring)
}

/** Refuses keys that cannot open what is stored: the one in use is missing, or one that some company key still names. Only reads. */
export async function refuseUnfitKeys(db: Db, keyring: Keyring): Promise<void> {
  const named = [await findMasterKeyInUse(db), ...(await countUses(db)).map((row) => row.key_id)]
  const missing = new Set(named.filter((id) => id !== undefined && !keyring.byId.has(id)))
  if (missing.size > 0) throw unknownKeys([...missing], keyring)
}

function unknownKeys(missing: readonly (string | undefined)[], { byId }: Keyring): MasterKeyError {
  return new MasterKeyError(
    `This database is sealed with master key ${missing.join(', ')}, which was not given (given: ${[...byId.keys()].join(', ')}). ` +
      'Give the key it was sealed with, behind the new one if the key is being rotated.',
  )
}
