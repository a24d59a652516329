import { join } from 'node:path'
import type { DbPool } from '../db/pools.ts'
import { makeMasterKeyFile, readMasterKeyFile } from '../vault/master-key-file.ts'
import { checkMasterKeys, findMasterKeyInUse, refuseUnfitKeys } from '../vault/master-key-use.ts'
import type { MasterKeys } from '../vault/master-keys.ts'
import { MasterKeyError, toKeyring } from '../vault/master-keys.ts'
import type { Config } from './config.ts'
import { ConfigError } from './config.ts'

/** What of the configuration speaks of master keys. */
type MasterKeyConfig = Pick<Config, 'databaseUrl' | 'dataDir' | 'masterKeys' | 'masterKeyFile'>

/**
 * The operator's master keys, looked for before anything is started: in the variable, or in the file. Undefined only for an embedded
 * database that has no key file yet. Throws `ConfigError`.
 */
export async function findMasterKeys(config: MasterKeyConfig): Promise<MasterKeys | undefined> {
  if (config.masterKeys) return config.masterKeys.reveal()
  try {
    const found = await readMasterKeyFile(config.masterKeyFile ?? ownKeyFile(config))
    if (found || (config.masterKeyFile === undefined && config.databaseUrl === undefined)) return found
  } catch (error) {
    throwAsConfigError(error)
  }
  throw new ConfigError(
    config.masterKeyFile === undefined
      ? 'Bad configuration:\n  DAYBOOK_MASTER_KEY or DAYBOOK_MASTER_KEY_FILE: needed with DATABASE_URL. ' +
          'Make a key with `daybook vault new-key`, give it to every process, and keep a copy away from the database.'
      : `Bad configuration:\n  DAYBOOK_MASTER_KEY_FILE: there is no file ${config.masterKeyFile}`,
  )
}

/**
 * The keys that this database is used with: what was found, once it is seen to fit, or else a new key beside an embedded database that
 * nothing was sealed in yet. The file is on disk before anything is sealed with its key.
 */
export async function settleMasterKeys(
  db: DbPool,
  config: MasterKeyConfig,
  found: MasterKeys | undefined,
  warn: (message: string) => void,
): Promise<MasterKeys> {
  if (!found) await refuseMissingFile(db, config)
  const path = ownKeyFile(config)
  const keys = found ?? (await makeMasterKeyFile(path))
  if (!found) {
    warn(
      `MADE A MASTER KEY in ${path}. It opens the signing secrets in this database and is nowhere else: BACK IT UP, away from the database.`,
    )
  }
  await checkMasterKeys(db, toKeyring(keys)).catch(throwAsConfigError)
  return keys
}

/** What {@link settleMasterKeys} would refuse. Only reads. Throws `ConfigError`. */
export async function refuseMisfit(db: DbPool, config: MasterKeyConfig, found: MasterKeys | undefined): Promise<void> {
  if (!found) return await refuseMissingFile(db, config)
  await refuseUnfitKeys(db, toKeyring(found)).catch(throwAsConfigError)
}

async function refuseMissingFile(db: DbPool, config: MasterKeyConfig): Promise<void> {
  const inUse = await findMasterKeyInUse(db)
  if (inUse === undefined) return
  throw new ConfigError(
    `The master key file ${ownKeyFile(config)} is missing, and the database is sealed with the key ${inUse} that was in it. ` +
      'Put it back from your backup; signing secrets cannot be read without it.',
  )
}

/** A master key that does not fit is a mistake of the configuration, wherever it is found out. */
export function throwAsConfigError(error: unknown): never {
  throw error instanceof MasterKeyError ? new ConfigError(`Bad configuration:\n  ${error.message}`) : error
}

function ownKeyFile({ dataDir }: Pick<Config, 'dataDir'>): string {
  return join(dataDir, 'master.key')
}
