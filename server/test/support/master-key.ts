import type { Pools } from '../../src/db/pools.ts'
import type { Vault } from '../../src/vault/vault.ts'
import { createVault } from '../../src/vault/vault.ts'

/** The master key of every server and vault of the tests. Its text is looked for in all that they log. */
export const MASTER_KEY_BYTES = Buffer.from('canary-of-the-master-key-0123456')
export const MASTER_KEY = MASTER_KEY_BYTES.toString('base64')

export function testVault({ engine }: Pick<Pools, 'engine'>): Vault {
  return createVault({ keys: [MASTER_KEY_BYTES] }, engine)
}
