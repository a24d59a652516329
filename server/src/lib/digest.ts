/**
 * The digest of an event: the leaf of its company's Merkle tree, and what an auditor computes again from an export.
 *
 *     leaf          = SHA-256(0x00 ‖ headerDigest ‖ payloadDigest)
 *     headerDigest  = SHA-256(canonical header, UTF-8)
 *     payloadDigest = SHA-256(salt, 16 bytes ‖ payload as stored, UTF-8)
 *
 * Two digests, so that a payload and its salt can be erased while the header stays provable; the salt, so that an erased
 * payload cannot be found again by guessing. 0x00 keeps leaves apart from inner nodes (RFC 9162 section 2.1.1). A change
 * of any byte of this format breaks every proof ever given: the vectors in the test are for ever.
 */
import { hash, randomFillSync } from 'node:crypto'

interface EntityRef {
  readonly type: string
  readonly id: string
}

/** Values exactly as stored: ids in lower case, times as `Date.prototype.toISOString` writes them. */
export interface EventHeader {
  readonly id: string
  readonly company_id: string
  readonly event_name: string
  readonly entity_type?: string | undefined
  readonly entity_id?: string | undefined
  readonly related?: readonly EntityRef[] | undefined
  readonly occurred_at: string
  readonly recorded_at: string
  readonly actor?: (EntityRef & { readonly name?: string | undefined }) | undefined
  readonly source?: string | undefined
  readonly correlation_id?: string | undefined
  readonly causation_id?: string | undefined
}

/**
 * The header as RFC 8785 (JCS) writes it. Members without a value are left out, an empty `related` too. Throws a TypeError
 * for a time in another form and for text that is not Unicode: they would come back changed from the database, and then
 * the digest would accuse it of tampering.
 */
export function canonicalHeader(header: EventHeader): string {
  if (!isIsoTime(header.occurred_at) || !isIsoTime(header.recorded_at)) {
    throw new TypeError('times of an event header are UTC with milliseconds')
  }
  const { actor, related = [] } = header
  // JSON.stringify writes strings as RFC 8785 asks and keeps this order of members, which is that of their UTF-16 units.
  const text = JSON.stringify({
    actor: actor && { id: actor.id, name: actor.name, type: actor.type },
    causation_id: header.causation_id,
    company_id: header.company_id,
    correlation_id: header.correlation_id,
    entity_id: header.entity_id,
    entity_type: header.entity_type,
    event_name: header.event_name,
    id: header.id,
    occurred_at: header.occurred_at,
    recorded_at: header.recorded_at,
    related: related.length === 0 ? undefined : related.map(({ id, type }) => ({ id, type })),
    source: header.source,
  })
  if (hasLoneSurrogate(text)) throw new TypeError('an event header holds half a surrogate pair')
  return text
}

function isIsoTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)
}

/** JSON.stringify writes half a pair, and nothing else, as an escape `\ud…`; an even number of backslashes is plain text. */
function hasLoneSurrogate(json: string): boolean {
  return json.includes('\\ud') && /(?<!\\)(?:\\\\)*\\ud/.test(json)
}

const saltBytes = 16
let salts = Buffer.alloc(0)

/** 16 random bytes; no later call changes them. */
export function newSalt(): Buffer {
  // One system call per 256 salts, always into new memory, because the salts given out are views of it.
  if (salts.length === 0) salts = randomFillSync(Buffer.allocUnsafeSlow(256 * saltBytes))
  const salt = salts.subarray(0, saltBytes)
  salts = salts.subarray(saltBytes)
  return salt
}

/** The leaf, 32 bytes. `payload` is the payload as stored: text, or its bytes. */
export function eventDigest(header: EventHeader, salt: Buffer, payload: Buffer | string): Buffer {
  // Another length would let bytes of the salt pass for bytes of the payload.
  if (salt.length !== saltBytes) throw new TypeError('a salt has 16 bytes')
  const payloadBytes = typeof payload === 'string' ? Buffer.from(payload) : payload
  const headerDigest = hash('sha256', canonicalHeader(header), 'buffer')
  const payloadDigest = hash('sha256', Buffer.concat([salt, payloadBytes]), 'buffer')
  return hash('sha256', Buffer.concat([leafPrefix, headerDigest, payloadDigest]), 'buffer')
}

const leafPrefix = Buffer.from([0x00])
