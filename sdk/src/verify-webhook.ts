/**
 * The receiving side of the Standard Webhooks specification: signatures over `id.timestamp.body`, symmetric (`v1`, HMAC-SHA256)
 * and asymmetric (`v1a`, Ed25519). Needs only Web Crypto.
 */

import { parseJson } from './parse-json.ts'

export type WebhookVerificationCode =
  | 'missing_header'
  | 'invalid_header'
  | 'invalid_secret'
  | 'timestamp_too_old'
  | 'timestamp_too_new'
  | 'no_matching_signature'
  | 'invalid_body'

/** Why a call was refused. `invalid_secret` is a mistake on this side, all others speak against the call. */
export class WebhookVerificationError extends Error {
  readonly code: WebhookVerificationCode

  constructor(code: WebhookVerificationCode, message: string) {
    super(message)
    this.name = 'WebhookVerificationError'
    this.code = code
  }
}

export interface VerifyWebhookOptions {
  /** The request's headers: a `Headers`, or a plain object in any case of letters, as Node's `request.headers`. */
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>
  /** The body exactly as it arrived. A body that was parsed and written again does not verify. */
  readonly body: string | Uint8Array
  /**
   * `whsec_…` as the subscription shows it, or its public key `whpk_…` where it signs with Ed25519. While it is being
   * rotated, also from one kind to the other, the old and the new one.
   */
  readonly secrets: string | readonly string[]
  /** How far the call's time may be from `now`, before or after; 300 when not given. */
  readonly toleranceSeconds?: number
  readonly now?: Date
}

export interface VerifiedWebhook {
  /** The same for every copy of the event: keep the ids that were handled, and drop what comes again. */
  readonly id: string
  /** When this attempt was made, not when the event happened. */
  readonly timestamp: Date
  /** Of the replay that sends the event again on purpose. It stands in a header that is not signed. */
  readonly replayId: string | undefined
  /** The parsed body. Signed, so it is what was sent; its form is still the caller's to check. */
  readonly body: unknown
  /** The body as it was sent: numbers that JavaScript rounds stand here in full. */
  readonly text: string
}

/** Resolves if the call was signed with one of the secrets and is recent; rejects with `WebhookVerificationError` if not. */
export async function verifyWebhook(options: VerifyWebhookOptions): Promise<VerifiedWebhook> {
  const { toleranceSeconds = 300, now = new Date() } = options
  const id = header(options.headers, 'webhook-id', /^[!-~]{1,256}$/)
  // With a dot in the id, two different calls could have the same signed content.
  if (id.includes('.')) throw new WebhookVerificationError('invalid_header', 'webhook-id holds a dot')
  const timestamp = header(options.headers, 'webhook-timestamp', /^[0-9]{1,12}$/)
  const signatures = header(options.headers, 'webhook-signature', /^[!-~]+(?: [!-~]+)*$/)
  checkAge(Number(timestamp), now, toleranceSeconds)

  const verifiers = verifiersOf(options.secrets)
  const body = bodyBytes(options.body)
  const content = concatenated(new TextEncoder().encode(`${id}.${timestamp}.`), body)
  if (!(await isSigned(content, signatures.split(' '), verifiers))) {
    throw new WebhookVerificationError('no_matching_signature', 'no signature was made with one of the secrets')
  }
  const text = bodyText(body)
  const replayId = headerValues(options.headers, 'webhook-replay-id').join() || undefined
  return { id, timestamp: new Date(Number(timestamp) * 1_000), replayId, body: parsedBody(text), text }
}

function header(headers: VerifyWebhookOptions['headers'], name: string, form: RegExp): string {
  const values = headerValues(headers, name)
  const [value = ''] = values
  if (value === '') throw new WebhookVerificationError('missing_header', `${name} is missing`)
  if (values.length > 1 || !form.test(value)) {
    throw new WebhookVerificationError('invalid_header', `${name} is not as Standard Webhooks has it`)
  }
  return value
}

function headerValues(headers: VerifyWebhookOptions['headers'], name: string): readonly string[] {
  if (isHeaders(headers)) return [headers.get(name) ?? '']
  return Object.entries(headers)
    .filter(([key]) => key.toLowerCase() === name)
    .flatMap(([, value]) => value ?? [])
}

/** Not `instanceof`: a `Headers` of another realm or library does as well. */
function isHeaders(headers: VerifyWebhookOptions['headers']): headers is Headers {
  return typeof headers['get'] === 'function'
}

function checkAge(timestampSeconds: number, now: Date, toleranceSeconds: number): void {
  const nowSeconds = Math.floor(now.getTime() / 1_000)
  if (!(toleranceSeconds >= 0) || Number.isNaN(nowSeconds)) {
    throw new RangeError('toleranceSeconds is not negative, now is a valid date')
  }
  if (timestampSeconds < nowSeconds - toleranceSeconds) {
    throw new WebhookVerificationError('timestamp_too_old', `the call is older than ${toleranceSeconds} s`)
  }
  if (timestampSeconds > nowSeconds + toleranceSeconds) {
    throw new WebhookVerificationError('timestamp_too_new', `the call is dated more than ${toleranceSeconds} s ahead`)
  }
}

/** Whether one of the signatures was made over the content with the key that it knows. */
type Verifier = (content: Uint8Array<ArrayBuffer>, signatures: readonly string[]) => Promise<boolean>

/** All are read before one is used, so that a mistake in the second one shows at once. */
function verifiersOf(secrets: string | readonly string[]): readonly Verifier[] {
  const list = typeof secrets === 'string' ? [secrets] : secrets
  if (list.length === 0) throw new WebhookVerificationError('invalid_secret', 'no secret was given')
  return list.map(verifierOf)
}

function verifierOf(secret: string): Verifier {
  const [, prefix, encoded] = /^(whsec_|whpk_)([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? []
  const key = encoded === undefined ? undefined : fromBase64(encoded)
  if (key && prefix === 'whsec_' && key.length >= 24 && key.length <= 64) return hmacVerifier(key)
  if (key && prefix === 'whpk_' && key.length === 32) return ed25519Verifier(key)
  throw new WebhookVerificationError(
    'invalid_secret',
    'a secret is whsec_ and 24 to 64 bytes in base64, or whpk_ and the 32 bytes of a public key',
  )
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0))
  } catch {
    return undefined
  }
}

function bodyBytes(body: string | Uint8Array): Uint8Array {
  if (body instanceof Uint8Array) return body
  if (typeof body !== 'string') {
    throw new WebhookVerificationError('invalid_body', 'the body must be given as it arrived, not parsed')
  }
  if (!body.isWellFormed()) throw new WebhookVerificationError('invalid_body', 'the body is not Unicode text')
  return new TextEncoder().encode(body)
}

function concatenated(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(first.length + second.length)
  bytes.set(first)
  bytes.set(second, first.length)
  return bytes
}

/** Signatures of other versions are passed over. */
async function isSigned(
  content: Uint8Array<ArrayBuffer>,
  signatures: readonly string[],
  verifiers: readonly Verifier[],
): Promise<boolean> {
  let found = false
  for (const verify of verifiers) if (await verify(content, signatures)) found = true
  return found
}

/** One HMAC, however many signatures the header holds. */
function hmacVerifier(key: Uint8Array<ArrayBuffer>): Verifier {
  return async (content, signatures) => {
    const expected = `v1,${await hmacBase64(key, content)}`
    let found = false
    for (const signature of signatures) if (isEqualInConstantTime(signature, expected)) found = true
    return found
  }
}

/** Each has to be verified by itself, which costs more than an HMAC; a sender has a few keys in force at most. */
const ed25519SignaturesMax = 8

function ed25519Verifier(key: Uint8Array<ArrayBuffer>): Verifier {
  return async (content, signatures) => {
    const publicKey = await crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify'])
    const own = signatures.filter((signature) => signature.startsWith('v1a,')).slice(0, ed25519SignaturesMax)
    for (const signature of own) {
      const encoded = signature.slice('v1a,'.length)
      const bytes = fromBase64(encoded)
      // One text per signature, as with HMAC: base64 has several for the same bytes.
      if (!bytes || toBase64(bytes) !== encoded) continue
      if (await crypto.subtle.verify('Ed25519', publicKey, bytes, content)) return true
    }
    return false
  }
}

async function hmacBase64(key: Uint8Array<ArrayBuffer>, content: Uint8Array<ArrayBuffer>): Promise<string> {
  const hmacKey = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const signature = await crypto.subtle.sign('HMAC', hmacKey, content)
  return toBase64(new Uint8Array(signature))
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}

/**
 * Compares the texts, not the bytes they stand for, because base64 has several texts for the same bytes. The time tells
 * the length, which is no secret, and nothing else.
 */
function isEqualInConstantTime(one: string, other: string): boolean {
  if (one.length !== other.length) return false
  let difference = 0
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at)
  return difference === 0
}

function bodyText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new WebhookVerificationError('invalid_body', 'the body is signed, but it is not UTF-8')
  }
}

function parsedBody(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    throw new WebhookVerificationError('invalid_body', 'the body is signed, but it is not JSON')
  }
}
