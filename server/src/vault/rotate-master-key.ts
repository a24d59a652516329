import type { DbPool } from '../db/pools.ts'
import { command, statement } from '../db/statement.ts'
import { inTransaction } from '../db/transaction.ts'
import { BEFORE_ALL_IDS } from '../lib/ids.ts'
import type { CompanyKeyRow } from './company-keys.ts'
import { placeOfKey } from './company-keys.ts'
import { checkMasterKeys, countUses, useFirstMasterKey } from './master-key-use.ts'
import type { Keyring } from './master-keys.ts'
import { UnreadableError, open, seal } from './sealed.ts'

/** Company keys that are not sealed with a master key, in the order of their key, after a row. */
const findOthers = statement<
  [masterKeyId: string, afterCompanyId: string, afterVersion: number, limit: number],
  CompanyKeyRow
>(
  'company_key.find_others',
  `select company_id, version, sealed
     from company_keys
    where (company_id, version) > ($2::uuid, $3::integer) and substr(sealed, 2, 8) <> decode($1, 'hex')
    order by company_id, version
    limit $4`,
)

/** Counts only while the row is as it was read, so two rotations at once do no harm. */
const replaceSealed = command<[companyId: string, version: number, before: Buffer, after: Buffer]>(
  'company_key.replace_sealed',
  `update company_keys set sealed = $4 where company_id = $1 and version = $2 and sealed = $3`,
)

const ROWS_PER_COMMIT = 200
export interface Rotation {
  /** Company keys that were sealed anew. */
  readonly resealed: number
  /** Those that do not open with the key that they name: they were changed. */
  readonly unreadable: number
  /** How many are sealed with each master key now. */
  readonly uses: ReadonlyMap<string, number>
}

/**
 * Makes the first master key the one in use and seals every company's key with it. Servers go on meanwhile, if they have
 * both keys. May be stopped and run again at any time. Throws `MasterKeyError`, with nothing changed, when a key that is still
 * named was not given.
 */
export async function rotateMasterKey(
  engine: DbPool,
  keyring: Keyring,
  onProgress: (resealed: number) => void,
): Promise<Rotation> {
  await checkMasterKeys(engine, keyring)
  await inTransaction(engine, async (db) => await useFirstMasterKey(db, keyring))
  let resealed = 0
  let unreadable = 0
  let last: Pick<CompanyKeyRow, 'company_id' | 'version'> | undefined = { company_id: BEFORE_ALL_IDS, version: 0 }
  while (last) {
    const rows: readonly CompanyKeyRow[] = await findOthers(
      engine,
      keyring.first.id,
      last.company_id,
      last.version,
      ROWS_PER_COMMIT,
    )
    const opened = rows.flatMap((row) => openWith(keyring, row))
    unreadable += rows.length - opened.length
    resealed += await inTransaction(engine, async (db) => {
      let written = 0
      for (const { row, plain } of opened) {
        const after = seal(keyring.first, placeOfKey(row), plain)
        written += await replaceSealed(db, row.company_id, row.version, row.sealed, after)
      }
      return written
    })
    if (rows.length > 0) onProgress(resealed)
    last = rows.at(-1)
  }
  const uses = new Map((await countUses(engine)).map((row) => [row.key_id, row.count]))
  return { resealed, unreadable, uses }
}

function openWith({ byId }: Keyring, row: CompanyKeyRow): { row: CompanyKeyRow; plain: Buffer }[] {
  try {
    return [{ row, plain: open(byId, placeOfKey(row), row.sealed) }]
  } catch (error) {
    if (error instanceof UnreadableError) return []
    throw error
  }
}
