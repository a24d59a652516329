import type { PostResponse, PostResult } from './post-result.ts'

/** Stands in the ledger for a credential. */
export const HIDDEN = '[hidden]'

/** A shorter text may stand in an answer by chance. */
const CHARACTERS_MIN = 8

/** So much of a credential at the end of an answer that was cut off is taken for its beginning. */
const BEGINNING_MIN = 4

/**
 * An answer as it may be kept: without the credentials, should the endpoint have sent them back. Endpoints that show a
 * request to whoever makes it are common in tests, and who may read the ledger need not know the credentials. They are found as
 * they are and as JSON, URLs, forms and HTML write them, in UTF-8 and in Latin-1; what an endpoint encodes otherwise is not.
 */
export function hideEcho(result: PostResult, secrets: readonly string[]): PostResult {
  if (result.kind !== 'response') return result
  const written = formsOf(secrets)
  if (written.length === 0) return result
  const headers = result.headers.map(([name, value]) => [name, hide(value, written)] as const)
  return { ...result, headers, body: hideInBody(result, written) }
}

/** Latin-1 has a character for each byte, so all other bytes stay as they are. */
function hideInBody({ body, bodyTruncated }: PostResponse, written: readonly string[]): Buffer {
  const text = body.toString('latin1')
  const hidden = hide(text, written)
  const kept = bodyTruncated ? withoutBeginning(hidden, written) : hidden
  return kept === text ? body : Buffer.from(kept, 'latin1')
}

function hide(text: string, written: readonly string[]): string {
  return written.reduce((left, form) => left.replaceAll(form, HIDDEN), text)
}

/** Without the most that the end of the text has in common with the beginning of a credential. */
function withoutBeginning(text: string, written: readonly string[]): string {
  const length = Math.max(...written.map((form) => overlap(text, form)))
  return text.slice(0, text.length - length)
}

function overlap(text: string, form: string): number {
  const beginning = form.slice(0, BEGINNING_MIN)
  for (let at = Math.max(0, text.length - form.length + 1); ; at++) {
    at = text.indexOf(beginning, at)
    if (at === -1) return 0
    if (form.startsWith(text.slice(at))) return text.length - at
  }
}

/** All that the secrets may be written as, bytes as Latin-1, the longest first: what holds another goes before it. */
function formsOf(secrets: readonly string[]): readonly string[] {
  const long = secrets.filter((secret) => secret.length >= CHARACTERS_MIN)
  const forms = new Set(long.flatMap((secret) => writings.flatMap((write) => bytesOf(write(secret)))))
  return [...forms].sort((a, b) => b.length - a.length)
}

/** In UTF-8, and in Latin-1 where it has all of the characters. */
function bytesOf(text: string): readonly string[] {
  const inUtf8 = Buffer.from(text).toString('latin1')
  return /^[\0-\xff]*$/.test(text) ? [inUtf8, text] : [inUtf8]
}

const jsonText = (text: string): string => JSON.stringify(text).slice(1, -1)
const withSlashes = (text: string): string => text.replaceAll('/', String.raw`\/`)
const inAscii = (text: string): string =>
  text.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
const inUrl = (text: string): string => encodeURIComponent(text.toWellFormed())
const inLowerCaseUrl = (text: string): string => inUrl(text).replaceAll(/%../g, (byte) => byte.toLowerCase())
const inForm = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1)
const inHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
const withApostrophes = (text: string): string => inHtml(text).replaceAll("'", '&#39;')

const writings: readonly ((text: string) => string)[] = [
  (text) => text,
  jsonText,
  (text) => withSlashes(jsonText(text)),
  (text) => inAscii(jsonText(text)),
  (text) => withSlashes(inAscii(jsonText(text))),
  inUrl,
  inLowerCaseUrl,
  inForm,
  inHtml,
  withApostrophes,
]
