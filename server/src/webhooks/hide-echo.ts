import type { PostResult } from './post-result.ts'

/** Stands in the ledger for a credential. */
export const HIDDEN = '[hidden]'

/** A shorter text may stand in an answer by chance. */
const CHARACTERS_MIN = 8

/**
 * An answer as it may be kept: without the credential, should the endpoint have sent it back. Endpoints that show a
 * request to whoever makes it are common in tests, and who may read the ledger need not know the credential.
 */
export function hideEcho(result: PostResult, credential: string): PostResult {
  if (result.kind !== 'response' || credential.length < CHARACTERS_MIN) return result
  const headers = result.headers.map(([name, value]) => [name, value.replaceAll(credential, HIDDEN)] as const)
  // Latin-1 has a character for each byte, so all other bytes stay as they are.
  const body = result.body.toString('latin1')
  const sent = Buffer.from(credential).toString('latin1')
  if (!body.includes(sent)) return { ...result, headers }
  return { ...result, headers, body: Buffer.from(body.replaceAll(sent, HIDDEN), 'latin1') }
}
