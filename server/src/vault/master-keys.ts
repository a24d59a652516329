import { randomBytes } from 'node:crypto'
import { KEY_BYTES, toVaultKey } from './vault-key.ts'
import type { VaultKey } from './vault-key.ts'

/**
 * The keys above all others, which only the operator keeps: the one in use first, after it earlier ones that what is sealed
 * may still name. Plain data, so that a thread can be given it.
 */
export interface MasterKeys {
  readonly keys: readonly Uint8Array[]
}

/** A mistake with a master key. The message never holds a byte of one. */
export class MasterKeyError extends Error {}

/** A fresh one in the form that configuration takes: 32 random bytes in base64. */
export function newMasterKey(): string {
  return randomBytes(KEY_BYTES).toString('base64')
}

export function parseMasterKey(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  // Buffer skips what is not base64; a key with a mistyped character must not become another key.
  if (bytes.length === KEY_BYTES && bytes.toString('base64') === text) return bytes
  throw new MasterKeyError(`a master key is ${KEY_BYTES} bytes in base64 (daybook vault new-key makes one)`)
}

/** The keys by id, in their order. Throws {@link MasterKeyError} when there is none. */
export function toKeyring({ keys }: MasterKeys): Keyring {
  const byId = new Map(keys.map(toVaultKey).map((key) => [key.id, key]))
  const [first] = byId.values()
  if (!first) throw new MasterKeyError('There is no master key')
  return { first, byId }
}

export interface Keyring {
  readonly first: VaultKey
  readonly byId: ReadonlyMap<string, VaultKey>
}
