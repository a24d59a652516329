import type { KeyObject } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import { UnreadableError } from '../vault/sealed.ts'
import type { CallCredentials } from './call-credentials.ts'
import { CLOUD_EVENT_TYPE } from './cloud-event.ts'
import type { DeliverableSubscription, SigningSecret } from './deliverables.ts'
import type { EndpointAuth, OAuth2Auth } from './endpoint-auth.ts'
import type { Handed } from './hand-over.ts'
import { HIDDEN, hideEcho } from './hide-echo.ts'
import type { HttpPoster } from './http-post.ts'
import type { OAuthTokens } from './oauth-tokens.ts'
import type { PostErrorClass, PostResult } from './post-result.ts'
import { PostFailure } from './post-result.ts'
import { signatureHeader } from './sign.ts'

export interface CallContext {
  readonly clock: Clock
  readonly poster: HttpPoster
  readonly tokens: OAuthTokens
  readonly userAgent: string
}

export interface CallMade {
  readonly result: PostResult
  /** As the ledger keeps them, without the credential. Undefined: nothing was sent. */
  readonly requestHeaders: readonly Header[] | undefined
  /** What the result alone does not tell. */
  readonly detail?: string
}

type Header = readonly [name: string, value: string]

/**
 * Makes one call of a delivery, signed and with what its subscription has to show; whatever goes wrong is in the result.
 * `body` is the event in the subscription's format. The subscription's deadline is for all of it, fetching an access token and a
 * second call included.
 *
 * A call is made twice only when its access token was refused with 401: the receiver turned it away then, so a second one
 * is no copy. Without a secret in force nothing is sent: it was deleted while the call was prepared.
 */
export async function makeCall(
  context: CallContext,
  delivery: Handed,
  body: Buffer,
  traceParent: string | undefined,
): Promise<CallMade> {
  const subscription: DeliverableSubscription & CallCredentials = delivery.subscription
  const keys = signingKeys(subscription.secrets, context.clock.now())
  if (keys instanceof UnreadableError) return unreadable('The signing secret', keys)
  if (keys.length === 0) return unreadable('The signing secret', new UnreadableError('It is stored no more'))
  if (subscription.auth instanceof UnreadableError) return unreadable('The credentials', subscription.auth)
  const startedMs = context.clock.elapsed()
  const spentMs = (): number => context.clock.elapsed() - startedMs
  const { clientTls } = subscription
  const call: Call = { context, delivery, subscription, body, traceParent, keys, clientTls, spentMs }
  const auth = subscription.auth?.reveal()
  if (auth?.type === 'oauth2') return await callWithToken(call, auth)
  return await post(call, subscription.timeoutMs, auth && headerOf(auth), auth)
}

interface Call extends Pick<CallCredentials, 'clientTls'> {
  readonly context: CallContext
  readonly delivery: Handed
  readonly subscription: DeliverableSubscription
  readonly body: Buffer
  readonly traceParent: string | undefined
  readonly keys: readonly KeyObject[]
  readonly spentMs: () => number
}

/**
 * The keys that are valid now. One that cannot be opened spoils them all: a receiver that still verifies with it would
 * take the call for forged.
 */
function signingKeys(secrets: readonly SigningSecret[], nowMs: number): readonly KeyObject[] | UnreadableError {
  const keys: KeyObject[] = []
  for (const { key, expiresAtMs } of secrets) {
    if (expiresAtMs <= nowMs) continue
    if (key instanceof UnreadableError) return key
    keys.push(key)
  }
  return keys
}

function headerOf(auth: Exclude<EndpointAuth, OAuth2Auth>): Header | undefined {
  switch (auth.type) {
    case 'none':
      return undefined
    case 'api_key':
      return [auth.header.toLowerCase(), auth.value]
    case 'basic':
      return ['authorization', `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`]
    case 'bearer':
      return bearer(auth.token)
  }
}

function bearer(token: string): Header {
  return ['authorization', `Bearer ${token}`]
}

async function callWithToken(call: Call, auth: OAuth2Auth): Promise<CallMade> {
  const { subscription } = call
  const { tokens } = call.context
  const deadline = AbortSignal.timeout(subscription.timeoutMs)
  const token = await tokens.token(subscription, auth, deadline)
  if (token instanceof PostFailure) return withoutCall(token.errorClass, token.message, call.spentMs())
  const first = await postInTime(call, bearer(token.value), auth)
  if (!isUnauthorized(first.result) || !tokens.drop(subscription, token)) return first
  const another = await tokens.token(subscription, auth, deadline)
  if (another instanceof PostFailure) return { ...first, detail: `The access token was refused. ${another.message}` }
  if (call.spentMs() >= subscription.timeoutMs) return first
  const second = await postInTime(call, bearer(another.value), auth)
  return { ...second, detail: [retold, messageOf(second.result)].filter((one) => one !== undefined).join('. ') }
}

const retold = 'The first call was answered with 401; this is a second one, with a new access token'

function messageOf(result: PostResult): string | undefined {
  return result.kind === 'error' ? result.message : undefined
}

function isUnauthorized(result: PostResult): boolean {
  return result.kind === 'response' && result.status === 401
}

/** A call in what is left of the deadline; its time is told with what went before. */
async function postInTime(call: Call, shown: Header, auth: EndpointAuth): Promise<CallMade> {
  const beforeMs = call.spentMs()
  const leftMs = Math.max(1, call.subscription.timeoutMs - beforeMs)
  const { result, requestHeaders } = await post(call, leftMs, shown, auth)
  const { timings } = result
  const late = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms + beforeMs)
  const firstByteMs = late(timings.firstByteMs)
  const all = { ...timings, ...(firstByteMs !== undefined && { firstByteMs }), totalMs: timings.totalMs + beforeMs }
  return { result: { ...result, timings: all }, requestHeaders }
}

/** `shown`: the header that carries the credential, made from `auth`. */
async function post(
  call: Call,
  timeoutMs: number,
  shown: Header | undefined,
  auth: EndpointAuth | undefined,
): Promise<CallMade> {
  const { context, subscription, body, clientTls } = call
  const headers = headersOf(call, shown)
  const { url, companyId } = subscription
  const tls = clientTls && { tls: clientTls }
  const result = await context.poster.post({ url, headers, body, timeoutMs, onSent, companyId, ...tls })
  const sent = Object.entries(headers)
  if (!shown || !auth) return { result, requestHeaders: sent }
  const [shownName, credential] = shown
  return {
    result: hideEcho(result, secretsOf(auth, credential)),
    requestHeaders: sent.map(([name, value]) => [name, name === shownName ? HIDDEN : value]),
  }
}

/** What nobody is to read in an answer: what was sent, and what who decodes it, or made it, knows beside it. */
function secretsOf(auth: EndpointAuth, sent: string): readonly string[] {
  const bare = sent.replace(scheme, '')
  switch (auth.type) {
    case 'none':
      return []
    case 'api_key':
      return [sent, bare]
    case 'basic':
      return [bare, `${auth.username}:${auth.password}`, auth.password]
    case 'bearer':
      return [bare]
    case 'oauth2':
      return [bare, auth.client_secret]
  }
}

/** What stands before the credential itself (RFC 9110 section 11.4). */
const scheme = /^[\w!#$%&'*+.^`|~-]+ +/

function headersOf(call: Call, auth: Header | undefined): Readonly<Record<string, string>> {
  const { delivery, subscription, body, traceParent, keys } = call
  const { clock, userAgent } = call.context
  const { event, replayId } = delivery
  const timestamp = Math.floor(clock.now() / 1_000)
  const headers: Record<string, string> = {
    'content-type': subscription.format === 'cloudevents' ? CLOUD_EVENT_TYPE : 'application/json',
    'user-agent': userAgent,
    'webhook-id': event.id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatureHeader(keys, event.id, timestamp, body),
  }
  if (traceParent !== undefined) headers['traceparent'] = traceParent
  if (replayId) headers['webhook-replay-id'] = replayId
  const { customHeaders } = subscription
  if (customHeaders.length === 0 && !auth) return headers
  // Ours come last and win, should a name of ours ever stand among theirs.
  const theirs = customHeaders.map(([name, value]): Header => [name.toLowerCase(), value])
  return Object.fromEntries([...theirs, ...Object.entries(headers), ...(auth ? [auth] : [])])
}

function unreadable(what: string, { message }: UnreadableError): CallMade {
  return withoutCall('secret_unreadable', `${what} cannot be opened. ${message}`, 0)
}

function withoutCall(errorClass: PostErrorClass, message: string, totalMs: number): CallMade {
  return {
    result: { kind: 'error', errorClass, message, sent: false, timings: { totalMs } },
    requestHeaders: undefined,
  }
}

function onSent(): void {
  void failpoint('delivery.after_send')
}
