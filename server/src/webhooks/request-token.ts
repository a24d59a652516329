import * as oauth from 'oauth4webapi'
import type { OAuth2Auth } from './endpoint-auth.ts'
import { bearerText } from './endpoint-auth.ts'
import type { HttpPoster } from './http-post.ts'
import type { PostResponse } from './post-result.ts'
import { PostFailure } from './post-result.ts'

/** A token as its endpoint gave it. */
export interface GivenToken {
  readonly value: string
  /** Undefined when the answer does not say. */
  readonly lifetimeMs: number | undefined
}

export interface TokenRequest {
  readonly auth: OAuth2Auth
  readonly companyId: string
  readonly userAgent: string
  readonly timeoutMs: number
}

const tokenCharactersMax = 8_192

/**
 * Asks a token endpoint for a token by client credentials (RFC 6749 section 4.4), through the same guard, name servers, proxy and
 * limits as webhooks: 16 KiB of the answer, no redirects. Never rejects. No failure's message holds a byte of the request, or
 * of the answer but for the error code of RFC 6749 section 5.2.
 */
export async function requestToken(poster: HttpPoster, request: TokenRequest): Promise<GivenToken | PostFailure> {
  const { auth } = request
  const client = { client_id: auth.client_id }
  const { scope, audience } = auth
  const wishes = { ...(scope !== undefined && { scope }), ...(audience !== undefined && { audience }) }
  try {
    const server = { issuer: new URL(auth.token_url).origin, token_endpoint: auth.token_url }
    const response = await oauth.clientCredentialsGrantRequest(server, client, clientAuthOf(auth), wishes, {
      [oauth.customFetch]: async (_url, { body, headers }) => await fetchThrough(poster, request, headers, body),
      // Whether plain http may be spoken to this host is the guard's to say.
      [oauth.allowInsecureRequests]: true,
      headers: { 'user-agent': request.userAgent },
    })
    return toToken(await oauth.processClientCredentialsResponse(server, client, response))
  } catch (error) {
    return failureOf(error)
  }
}

function clientAuthOf({ client_auth: way, client_secret: secret }: OAuth2Auth): oauth.ClientAuth {
  return way === 'post' ? oauth.ClientSecretPost(secret) : oauth.ClientSecretBasic(secret)
}

async function fetchThrough(
  poster: HttpPoster,
  { auth, companyId, timeoutMs }: TokenRequest,
  headers: Record<string, string>,
  form: URLSearchParams,
): Promise<Response> {
  const body = Buffer.from(form.toString())
  const result = await poster.post({ url: new URL(auth.token_url), headers, body, timeoutMs, companyId })
  if (result.kind === 'response') return toResponse(result)
  // Its own words for what tells nothing of the token endpoint.
  if (result.errorClass === 'cancelled' || result.errorClass === 'local_shortage') {
    throw new PostFailure(result.errorClass, result.message)
  }
  throw unreachable(`${result.message} (${result.errorClass})`)
}

function toResponse({ status, headers, body, bodyTruncated }: PostResponse): Response {
  if (status === 408 || status === 429 || status >= 500) throw unreachable(`It answered ${status}`)
  if (status < 200 || (status >= 300 && status < 400)) throw invalid(`It answered ${status}`)
  if (bodyTruncated) throw invalid('Its answer is too long, or was cut off')
  const kept = headers.filter(([name]) => name === 'content-type' || name === 'www-authenticate')
  const isEmpty = status === 204 || status === 205 || status === 304
  return new Response(isEmpty ? null : new Uint8Array(body), { status, headers: kept.map(([...pair]) => pair) })
}

function toToken(answer: oauth.TokenEndpointResponse): GivenToken | PostFailure {
  const { access_token: value, token_type: type, expires_in: seconds } = answer
  if (type !== 'bearer') return invalid('Its token is no bearer token')
  if (value.length > tokenCharactersMax || !bearerText.test(value))
    return invalid('Its token cannot be sent in a header')
  return { value, lifetimeMs: seconds === undefined ? undefined : seconds * 1_000 }
}

function failureOf(error: unknown): PostFailure {
  if (error instanceof PostFailure) return error
  if (error instanceof oauth.ResponseBodyError) return refused(`It answered ${error.status}${codeText(error.error)}`)
  if (error instanceof oauth.WWWAuthenticateChallengeError) return refused(`It answered ${error.status}`)
  const status = statusOf(error)
  if (status !== undefined && status >= 400) return refused(`It answered ${status}`)
  return invalid('Its answer is not as RFC 6749 section 5.1 has it')
}

/** Of an answer with a status that is not 200 and without an error that could be read. */
function statusOf(error: unknown): number | undefined {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Response ? cause.status : undefined
}

/** Codes are words by the RFC; what is none may be anything, the secret included, and is left out. */
function codeText(code: string): string {
  return /^[a-z_]{1,40}$/.test(code) ? `: ${code}` : ''
}

function refused(what: string): PostFailure {
  return new PostFailure('oauth_refused', `The token endpoint gave no token. ${what}`)
}

function unreachable(what: string): PostFailure {
  return new PostFailure('oauth_unreachable', `The token endpoint gave no token. ${what}`)
}

function invalid(what: string): PostFailure {
  return new PostFailure('oauth_invalid_answer', `The token endpoint gave no token. ${what}`)
}
