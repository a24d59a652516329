import type { DbPool } from '../db/pools.ts'
import type { Db } from '../db/statement.ts'
import { getCompanyKey, readCompanyKeys } from './company-keys.ts'
import type { MasterKeys } from './master-keys.ts'
import { toKeyring } from './master-keys.ts'
import type { Place } from './sealed.ts'
import { open, seal } from './sealed.ts'
import { Secret } from './secret.ts'

/**
 * Where secrets are turned into what is stored, and back.
 *
 * A master key, which the database never sees, seals one key per company; that key seals the company's secrets. To rotate
 * the master key is therefore to seal one small row per company anew, and without its key a company's secrets are gone.
 *
 * Keys of companies are read anew each time, in the caller's transaction, and kept nowhere; whoever opens many values asks
 * once for all of them.
 */
export interface Vault {
  /** Seals texts of a company. The company's key is made if it has none. */
  sealer(db: Db, companyId: string): Promise<(place: PlaceInCompany, secret: Secret<string>) => Buffer>
  /** Opens what the company has sealed. The function throws `UnreadableError`; getting it does so never. */
  opener(db: Db, companyId: string): Promise<(place: PlaceInCompany, sealed: Buffer) => Secret<string>>
}

export type PlaceInCompany = Omit<Place, 'companyId'>

/** @param engine where keys are made; the api role may only read them */
export function createVault(masterKeys: MasterKeys, engine: DbPool): Vault {
  const keyring = toKeyring(masterKeys)
  return {
    sealer: async (db, companyId) => {
      const key = await getCompanyKey(db, engine, companyId, keyring)
      return (place, secret) => seal(key, { companyId, ...place }, Buffer.from(secret.reveal()))
    },
    opener: async (db, companyId) => {
      const keys = await readCompanyKeys(db, companyId, keyring)
      return (place, sealed) => new Secret(open(keys, { companyId, ...place }, sealed).toString())
    },
  }
}
