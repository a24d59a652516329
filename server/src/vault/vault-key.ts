import { createHmac, createSecretKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

export const KEY_BYTES = 32
export const KEY_ID_BYTES = 8

/** A key of AES-256 with the name under which sealed values refer to it. */
export interface VaultKey {
  /** 16 hexadecimal digits, made from the key itself: equal ids are equal keys, and an id tells nothing of its key. */
  readonly id: string
  readonly key: KeyObject
}

/** Copies the bytes. Throws `RangeError` unless there are 32. */
export function toVaultKey(bytes: Uint8Array): VaultKey {
  if (bytes.length !== KEY_BYTES) throw new RangeError(`A key has ${KEY_BYTES} bytes`)
  const digest = createHmac('sha256', bytes).update('daybook key id 1').digest('hex')
  return { id: digest.slice(0, 2 * KEY_ID_BYTES), key: createSecretKey(Buffer.from(bytes)) }
}
