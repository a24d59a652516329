import { createHmac, createPrivateKey, createPublicKey, createSecretKey, randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { ProblemError } from '../lib/problems.ts'

/**
 * Signatures after Standard Webhooks 1.0 over `id.timestamp.body`, where body is the exact bytes that are sent:
 *
 * - `v1`, HMAC-SHA256: one secret, `whsec_…`, on both sides.
 * - `v1a`, Ed25519: a private key, `whsk_…`, that never leaves us, and a public one, `whpk_…`, that the receiver verifies with.
 *
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export type SigningScheme = 'hmac' | 'ed25519'

/** What signs. Its `type` tells the scheme: `secret` is HMAC, `private` is Ed25519. */
export type SigningKey = KeyObject

const prefixes: Readonly<Record<SigningScheme, string>> = { hmac: 'whsec_', ed25519: 'whsk_' }
const publicPrefix = 'whpk_'

const newSecretBytes = 32
/** The specification's bounds for a decoded HMAC secret. */
const minSecretBytes = 24
const maxSecretBytes = 64

/** A private key of Ed25519 is its seed (RFC 8032 section 5.1.5). */
const seedBytes = 32
/** Beside the seed alone, the form of the specification's reference: the seed and the public key behind it. */
const pairBytes = 64
/** All of a PKCS #8 key but the seed at its end (RFC 8410 section 7). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * A fresh secret in the form receivers' libraries take, in base64 behind its prefix: 32 random bytes for HMAC, seed and public
 * key for Ed25519.
 */
export function newSigningSecret(scheme: SigningScheme = 'hmac'): string {
  const random = randomBytes(newSecretBytes)
  const bytes = scheme === 'hmac' ? random : Buffer.concat([random, publicBytes(toPrivateKey(random))])
  return prefixes[scheme] + bytes.toString('base64')
}

/**
 * The key behind a `whsec_…` or `whsk_…` text, as the object that signs five times faster than its bytes do. Throws
 * `invalid_request` for anything but canonical base64 behind the prefix: of 24 to 64 bytes for HMAC; for Ed25519 of a
 * seed of 32, or of a seed and the public key that follows from it. The message never holds the text.
 */
export function decodeSigningSecret(text: string): SigningKey {
  if (text.startsWith(prefixes.ed25519)) return decodePrivateKey(text)
  if (!text.startsWith(prefixes.hmac)) {
    throw badSecret(`A signing secret begins with ${prefixes.hmac}, or with ${prefixes.ed25519} for Ed25519.`)
  }
  const key = decodeBase64(text.slice(prefixes.hmac.length))
  if (key.length < minSecretBytes || key.length > maxSecretBytes) {
    throw badSecret(`A signing secret has ${minSecretBytes} to ${maxSecretBytes} bytes.`)
  }
  return createSecretKey(key)
}

/** What a receiver verifies `v1a` signatures with, `whpk_…`; undefined for an HMAC key, which has no public side. */
export function publicKeyOf(key: SigningKey): string | undefined {
  return key.type === 'private' ? publicPrefix + publicBytes(key).toString('base64') : undefined
}

/**
 * The value of `webhook-signature`: one signature per active key, newest first as given, so that a receiver that knows
 * any one of them accepts the call while a rotation lasts, also one between the schemes. Sign anew for every attempt, since
 * `timestampSeconds` is the attempt's own time. Throws on an empty list (nothing is ever sent unsigned) and on an `id` with a
 * dot, which could shift the border between the signed parts.
 */
export function signatureHeader(
  keys: readonly SigningKey[],
  id: string,
  timestampSeconds: number,
  body: Buffer,
): string {
  if (keys.length === 0) throw new RangeError('A webhook needs at least one signing secret')
  if (id.includes('.')) throw new RangeError('A webhook id must not hold a dot')
  const head = `${id}.${timestampSeconds}.`
  return keys.map((key) => (key.type === 'private' ? ed25519(key, head, body) : hmac(key, head, body))).join(' ')
}

function hmac(key: SigningKey, head: string, body: Buffer): string {
  return `v1,${createHmac('sha256', key).update(head).update(body).digest('base64')}`
}

function ed25519(key: SigningKey, head: string, body: Buffer): string {
  return `v1a,${sign(null, Buffer.concat([Buffer.from(head), body]), key).toString('base64')}`
}

function decodePrivateKey(text: string): SigningKey {
  const bytes = decodeBase64(text.slice(prefixes.ed25519.length))
  if (bytes.length !== seedBytes && bytes.length !== pairBytes) {
    throw badSecret(`An Ed25519 key has ${seedBytes} bytes, or ${pairBytes} with its public key behind it.`)
  }
  const key = toPrivateKey(bytes.subarray(0, seedBytes))
  // With a public key that is not the seed's own, receivers would be told one that never verifies.
  if (bytes.length === pairBytes && !publicBytes(key).equals(bytes.subarray(seedBytes))) {
    throw badSecret('The public half of the Ed25519 key does not belong to its private half.')
  }
  return key
}

function toPrivateKey(seed: Buffer): SigningKey {
  return createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' })
}

function publicBytes(privateKey: KeyObject): Buffer {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).subarray(-seedBytes)
}

function decodeBase64(encoded: string): Buffer {
  const bytes = Buffer.from(encoded, 'base64')
  // Buffer skips what is not base64; two texts must not stand for one key.
  if (bytes.toString('base64') !== encoded) throw badSecret('A signing secret is base64 behind its prefix.')
  return bytes
}

function badSecret(message: string): ProblemError {
  return new ProblemError('invalid_request', message)
}
