import type { Fault } from '../lib/problems.ts'
import { UnreadableError } from '../vault/sealed.ts'
import { Secret } from '../vault/secret.ts'
import type { EndpointTls, EndpointTlsFacts } from './client-certificate.ts'
import { checkEndpointTls, endpointTlsFacts } from './client-certificate.ts'
import { headerNameFault, headerValueFault } from './custom-headers.ts'
import type { EgressAllow } from './egress-policy.ts'
import { checkWebhookUrl } from './egress-policy.ts'

/** How a call shows the endpoint who calls, beside its signature. */
export type EndpointAuth =
  | { readonly type: 'none' }
  | { readonly type: 'api_key'; readonly header: string; readonly value: string }
  /** RFC 7617, in UTF-8. */
  | { readonly type: 'basic'; readonly username: string; readonly password: string }
  /** RFC 6750. */
  | { readonly type: 'bearer'; readonly token: string }
  | OAuth2Auth

/** Client credentials, RFC 6749 section 4.4: a token from `token_url` goes with each call as a bearer token. */
export interface OAuth2Auth {
  readonly type: 'oauth2'
  readonly token_url: string
  readonly client_id: string
  readonly client_secret: string
  readonly scope?: string
  /** Not in the RFC, but asked for by many servers. */
  readonly audience?: string
  /** How the client's secret is sent: as basic authentication (the default), or in the body. RFC 6749 section 2.3.1. */
  readonly client_auth?: 'basic' | 'post'
}

/** All that a subscription has to show, and to be shown: mutual TLS goes with every kind of `auth`. */
export interface EndpointCredentials {
  readonly auth: EndpointAuth
  readonly tls?: EndpointTls
}

/** What an answer or an event may say of it. */
export interface EndpointCredentialFacts {
  readonly auth: AuthFacts
  readonly tls: EndpointTlsFacts | null
}

type AuthFacts =
  | { readonly type: 'none' | 'bearer' }
  | { readonly type: 'api_key'; readonly header: string }
  | { readonly type: 'basic'; readonly username: string }
  | (Omit<OAuth2Auth, 'client_secret' | 'client_auth'> & { readonly client_auth: 'basic' | 'post' })

const TEXT_CHARACTERS_MAX = 2_000
const TOKEN_CHARACTERS_MAX = 4_000

/** Without control characters. */
const plainText = /^\P{Cc}+$/u
/** RFC 6749 appendix A.1, A.2: visible characters of ASCII, and blanks. */
const clientText = /^[\x20-\x7e]+$/
/** RFC 6749 section 3.3: words apart by one blank each. */
const scopeText = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/
/** RFC 6750 section 2.1 asks for fewer; there are servers that give out more. */
export const bearerText = /^[\x21-\x7e]+$/

/**
 * All that is wrong with credentials whose members have the types above, each with a pointer below `/auth` or `/tls`.
 * No message repeats a secret.
 */
export function checkEndpointCredentials(
  { auth, tls }: EndpointCredentials,
  allow: EgressAllow,
  nowMs: number,
): readonly Fault[] {
  return [...checkAuth(auth, allow), ...(tls ? checkEndpointTls(tls, nowMs) : [])]
}

function checkAuth(auth: EndpointAuth, allow: EgressAllow): readonly Fault[] {
  switch (auth.type) {
    case 'none':
      return []
    case 'api_key':
      // In clear in no place, so the header of credentials is in place here.
      return present([
        headerNameFault(auth.header, '/auth/header', 'authorization'),
        headerValueFault(auth.value, '/auth/value'),
      ])
    case 'basic':
      return present([
        textFault('username', auth.username, plainText, TEXT_CHARACTERS_MAX),
        // RFC 7617 section 2: the first colon ends the name.
        auth.username.includes(':') ? fault('username', 'A user name holds no colon') : undefined,
        auth.password === '' ? undefined : textFault('password', auth.password, plainText, TEXT_CHARACTERS_MAX),
      ])
    case 'bearer':
      return present([textFault('token', auth.token, bearerText, TOKEN_CHARACTERS_MAX)])
    case 'oauth2':
      return checkOAuth2(auth, allow)
  }
}

function checkOAuth2(auth: OAuth2Auth, allow: EgressAllow): readonly Fault[] {
  const { scope, audience } = auth
  const check = checkWebhookUrl(auth.token_url, allow)
  const urlFault = check.ok ? undefined : { pointer: '/auth/token_url', code: check.code, message: check.message }
  // RFC 6749 section 3.2.
  const hasFragment = check.ok && check.url.hash !== ''
  return present([
    hasFragment ? fault('token_url', 'The URL of a token endpoint has no fragment') : urlFault,
    textFault('client_id', auth.client_id, clientText, TEXT_CHARACTERS_MAX),
    textFault('client_secret', auth.client_secret, clientText, TEXT_CHARACTERS_MAX),
    scope === undefined ? undefined : textFault('scope', scope, scopeText, TEXT_CHARACTERS_MAX),
    audience === undefined ? undefined : textFault('audience', audience, plainText, TEXT_CHARACTERS_MAX),
  ])
}

function textFault(member: string, text: string, form: RegExp, charactersMax: number): Fault | undefined {
  if (text.length <= charactersMax && form.test(text)) return undefined
  return fault(member, `1 to ${charactersMax} characters, none of which its standard forbids`)
}

function fault(member: string, message: string): Fault {
  return { pointer: `/auth/${member}`, code: 'invalid_credential', message }
}

function present(faults: readonly (Fault | undefined)[]): readonly Fault[] {
  return faults.filter((one) => one !== undefined)
}

/** What may be shown: never a secret, and of a certificate whose it is and until when. */
export function credentialFacts({ auth, tls }: EndpointCredentials): EndpointCredentialFacts {
  return { auth: authFacts(auth), tls: tls ? endpointTlsFacts(tls) : null }
}

function authFacts(auth: EndpointAuth): AuthFacts {
  switch (auth.type) {
    case 'none':
    case 'bearer':
      return { type: auth.type }
    case 'api_key':
      return { type: 'api_key', header: auth.header }
    case 'basic':
      return { type: 'basic', username: auth.username }
    case 'oauth2': {
      const { type, token_url, client_id, scope, audience, client_auth = 'basic' } = auth
      const optional = { ...(scope !== undefined && { scope }), ...(audience !== undefined && { audience }) }
      return { type, token_url, client_id, ...optional, client_auth }
    }
  }
}

/**
 * The text to be sealed. Whole, with what is no secret: so nobody who can write to the database can have a secret sent
 * to a token endpoint, or in a header, of their own.
 */
export function credentialText({ auth, tls }: EndpointCredentials): Secret<string> {
  return new Secret(JSON.stringify({ auth, tls }))
}

/** What {@link credentialText} made. Throws {@link UnreadableError} for a text that it did not make; it repeats no byte of it. */
export function parseCredentialText(text: string): EndpointCredentials {
  try {
    const { auth, tls } = JSON.parse(text) as Partial<EndpointCredentials>
    if (auth && isComplete(auth)) return tls ? { auth, tls } : { auth }
  } catch {
    // Told below, without the text that the parser's message would quote.
  }
  throw new UnreadableError('It does not have the form of credentials')
}

const needed: Readonly<Record<EndpointAuth['type'], readonly string[]>> = {
  none: [],
  api_key: ['header', 'value'],
  basic: ['username', 'password'],
  bearer: ['token'],
  oauth2: ['token_url', 'client_id', 'client_secret'],
}

function isComplete(auth: EndpointAuth): boolean {
  const values: Readonly<Record<string, unknown>> = { ...auth }
  return needed[auth.type].every((member) => typeof values[member] === 'string')
}
