import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { KEY_ID_BYTES } from './vault-key.ts'
import type { VaultKey } from './vault-key.ts'

/**
 * Sealed values: AES-256-GCM (NIST SP 800-38D) with a random nonce, as bytes
 *
 *     1 version (1) · 8 key id · 12 nonce · ciphertext, as long as the text · 16 tag
 *
 * The tag covers, beside the ciphertext, the version, the key id and the place: company, table, column, row. So a value that
 * is changed in any bit, or copied to another row or company, does not open.
 *
 * Nonces are random, so one key must not seal more than 2^32 values (same paper, section 8.3).
 */
export interface Place {
  readonly companyId: string
  readonly table: string
  readonly column: string
  /** The rest of the row's key, `/` between its parts. */
  readonly rowId: string
}

const VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = 1 + KEY_ID_BYTES
const cipher = 'aes-256-gcm'

/** Thrown for a sealed value that cannot be opened. The message names a key id at most. */
export class UnreadableError extends Error {}

export function seal({ id, key }: VaultKey, place: Place, plain: Uint8Array): Buffer {
  const head = Buffer.concat([Buffer.of(VERSION), Buffer.from(id, 'hex')])
  const nonce = randomBytes(NONCE_BYTES)
  const gcm = createCipheriv(cipher, key, nonce, { authTagLength: TAG_BYTES })
  gcm.setAAD(boundTo(head, place))
  const text = gcm.update(plain)
  gcm.final()
  return Buffer.concat([head, nonce, text, gcm.getAuthTag()])
}

/** What was sealed at this place; `keys` by id. Throws {@link UnreadableError}. */
export function open(keys: ReadonlyMap<string, VaultKey>, place: Place, sealed: Buffer): Buffer {
  const id = keyIdOf(sealed)
  const found = keys.get(id)
  if (!found) throw new UnreadableError(`It is sealed with key ${id}, which is not at hand`)
  const nonceEnd = HEAD_BYTES + NONCE_BYTES
  const tagStart = sealed.length - TAG_BYTES
  const gcm = createDecipheriv(cipher, found.key, sealed.subarray(HEAD_BYTES, nonceEnd), { authTagLength: TAG_BYTES })
  gcm.setAAD(boundTo(sealed.subarray(0, HEAD_BYTES), place))
  gcm.setAuthTag(sealed.subarray(tagStart))
  const plain = gcm.update(sealed.subarray(nonceEnd, tagStart))
  try {
    gcm.final()
  } catch {
    throw new UnreadableError(`It was changed, or sealed for another place (key ${id})`)
  }
  return plain
}

/** Which key a sealed value was sealed with. Throws {@link UnreadableError} for what is no sealed value. */
export function keyIdOf(sealed: Buffer): string {
  if (sealed.length < HEAD_BYTES + NONCE_BYTES + TAG_BYTES || sealed[0] !== VERSION) {
    throw new UnreadableError('It is not a sealed value that this version of Daybook knows')
  }
  return sealed.toString('hex', 1, HEAD_BYTES)
}

/** As JSON, since no two places give the same text. */
function boundTo(head: Uint8Array, { companyId, table, column, rowId }: Place): Buffer {
  return Buffer.concat([head, Buffer.from(JSON.stringify([companyId, table, column, rowId]))])
}
