/**
 * The receiving side: verifies a call, finds the handler of its event, and answers 2xx only when that has done its work. Any
 * other answer makes Daybook call again, so nothing is lost when a handler fails, a store is away or the process dies. A copy
 * of what was handled is answered without the handler; one of what is being handled at this moment is asked to come again.
 * A handler can run twice for one event when its process dies, or the store fails, between its end and the note of it.
 */
import type { AnyPayloads, NameOf } from '../publish-event.ts'
import type { VerifiedWebhook, VerifyWebhookOptions, WebhookVerificationCode } from '../verify-webhook.ts'
import { verifyWebhook, WebhookVerificationError } from '../verify-webhook.ts'
import { findHandler } from './find-handler.ts'
import { readBody } from './read-body.ts'
import type { ReceiverStore } from './receiver-store.ts'
import { memoryStore } from './receiver-store.ts'
import { reportToConsole } from './report-error.ts'
import type { AnyWebhookEvent, WebhookEvent } from './webhook-event.ts'
import { webhookEvent } from './webhook-event.ts'

/** A method, whose parameters TypeScript compares both ways: the handler of one name takes an event of that name only. */
export type WebhookHandler<Event> = { handle(event: Event, call: VerifiedWebhook): unknown }['handle']

/** By event name, by prefix (`order.*`), or `*` for every business event. The most specific one is called, and no other. */
export type WebhookHandlers<Payloads> = {
  readonly [Name in NameOf<Payloads>]?: WebhookHandler<WebhookEvent<Payloads, Name>> | undefined
} & {
  readonly [pattern in `${string}.*` | '*']?: WebhookHandler<AnyWebhookEvent<Payloads>> | undefined
}

export interface ReceiverOptions<Payloads = AnyPayloads> {
  /** As `verifyWebhook` takes them; a function is asked at each call, so that a new secret needs no restart. */
  readonly secrets: VerifyWebhookOptions['secrets'] | (() => SecretsNow)
  readonly on: WebhookHandlers<Payloads>
  /** Remembers what was handled. In memory when not given: shared between processes, a copy is known in all of them. */
  readonly store?: ReceiverStore
  /** How long what was handled is remembered; three days when not given, longer than copies take to come. */
  readonly keepMs?: number
  /** How long a call is held by a handler that does not end; 5 minutes when not given. */
  readonly leaseMs?: number
  /** How far a call's time may be from now; 300 when not given. */
  readonly toleranceSeconds?: number
  /** Larger bodies are refused; 1 MiB when not given, which Daybook never reaches. */
  readonly bodyMaxBytes?: number
  /** Told what a handler or the store threw, and that a secret cannot be read. `console.error` when not given. */
  readonly onError?: (error: unknown) => void
  /** Told of calls that were refused because they are not Daybook's, too old or not in form. */
  readonly onRefused?: (error: WebhookVerificationError) => void
  readonly now?: () => Date
}

type SecretsNow = VerifyWebhookOptions['secrets'] | Promise<VerifyWebhookOptions['secrets']>

export interface ReceiverAnswer {
  readonly status: number
  /** JSON that Daybook keeps with the attempt, so that its log says what became of it. */
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export interface Receiver {
  readonly bodyMaxBytes: number
  /** For whoever hands out web-standard requests: workers, Deno, Bun, Next.js, Hono. */
  fetch(request: Request): Promise<Response>
  /** For all others: the headers, and the body as it arrived. Never rejects. */
  receive(call: Pick<VerifyWebhookOptions, 'headers' | 'body'>): Promise<ReceiverAnswer>
  /** Answers a request that the application could not hand over as it came, and tells `onError` why. */
  fail(error: Error): ReceiverAnswer
}

/** Makes a receiver of webhooks; `Payloads` are the types that `daybook types` writes. */
export function createReceiver<Payloads extends object = AnyPayloads>(
  // The payloads are given or unknown; they are not guessed from the names of the handlers.
  options: ReceiverOptions<NoInfer<Payloads>>,
): Receiver {
  const { bodyMaxBytes = 1_048_576, onError = reportToConsole } = options
  const calls: Calls = {
    ...(options as unknown as ReceiverOptions),
    store: options.store ?? memoryStore(),
    keepMs: options.keepMs ?? 3 * 86_400_000,
    leaseMs: options.leaseMs ?? 300_000,
    onError,
  }
  const receiver: Receiver = {
    bodyMaxBytes,
    receive: async (call) => await receive(calls, call),
    fetch: async (request) => {
      const { status, body, headers } = await receiveRequest(receiver, request)
      return new Response(body, { status, headers })
    },
    fail: (error) => {
      onError(error)
      return answer(500, 'failed')
    },
  }
  return receiver
}

/** The options with what stands for those that were not given. */
type Calls = ReceiverOptions & Required<Pick<ReceiverOptions, 'store' | 'keepMs' | 'leaseMs' | 'onError'>>

async function receiveRequest(receiver: Receiver, request: Request): Promise<ReceiverAnswer> {
  if (request.method !== 'POST') return methodNotAllowed()
  if (request.bodyUsed) return receiver.fail(new BodyConsumedError())
  if (Number(request.headers.get('content-length')) > receiver.bodyMaxBytes) return bodyTooLarge()
  const body = await readBody(request.body, receiver.bodyMaxBytes)
  return body ? await receiver.receive({ headers: request.headers, body }) : bodyTooLarge()
}

async function receive(calls: Calls, call: Pick<VerifyWebhookOptions, 'headers' | 'body'>): Promise<ReceiverAnswer> {
  try {
    const { secrets, toleranceSeconds, now } = calls
    const verified = await verifyWebhook({
      ...call,
      secrets: typeof secrets === 'function' ? await secrets() : secrets,
      ...(toleranceSeconds !== undefined && { toleranceSeconds }),
      ...(now && { now: now() }),
    })
    const event = webhookEvent(verified)
    const handler = findHandler<WebhookHandler<WebhookEvent>>(calls.on, event.type)
    return handler ? await handleOnce(calls, handler, event, verified) : answer(200, 'ignored')
  } catch (error) {
    const status = error instanceof WebhookVerificationError ? statuses[error.code] : 500
    if (!(error instanceof WebhookVerificationError) || status === 500) {
      calls.onError(error)
      return answer(500, 'failed')
    }
    calls.onRefused?.(error)
    return answer(status, error.code)
  }
}

/** Rejects with what the handler or the store threw before the work was done. */
async function handleOnce(
  { store, keepMs, leaseMs, onError }: Calls,
  handler: WebhookHandler<WebhookEvent>,
  event: WebhookEvent,
  verified: VerifiedWebhook,
): Promise<ReceiverAnswer> {
  const key = keyOf(verified)
  const claim = await store.claim(key, leaseMs)
  if (claim === 'done') return answer(200, 'duplicate')
  // Seconds are enough: Daybook comes again by its own schedule, which is a minute at least.
  if (claim === 'busy') return answer(503, 'in_progress', { 'retry-after': '10' })
  try {
    await handler(event, verified)
  } catch (error) {
    await orTold(onError, async () => await store.release(key))
    throw error
  }
  // If this fails the work is done all the same, and another answer would have it done twice.
  await orTold(onError, async () => await store.complete(key, keepMs))
  return answer(200, 'handled')
}

async function orTold(onError: Calls['onError'], work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    onError(error)
  }
}

/** A replay is meant to be handled although the event was; its own copies are not. */
function keyOf({ id, replayId }: VerifiedWebhook): string {
  return replayId === undefined ? id : `${id}/${encodeURIComponent(replayId).slice(0, 256)}`
}

const statuses: Readonly<Record<WebhookVerificationCode, number>> = {
  missing_header: 400,
  invalid_header: 400,
  invalid_body: 400,
  timestamp_too_old: 401,
  timestamp_too_new: 401,
  no_matching_signature: 401,
  // A mistake on this side: Daybook comes again when it is mended.
  invalid_secret: 500,
}

function answer(status: number, outcome: string, headers: Readonly<Record<string, string>> = {}): ReceiverAnswer {
  return { status, body: JSON.stringify({ outcome }), headers: { 'content-type': 'application/json', ...headers } }
}

export function methodNotAllowed(): ReceiverAnswer {
  return answer(405, 'method_not_allowed', { allow: 'POST' })
}

export function bodyTooLarge(): ReceiverAnswer {
  return answer(413, 'body_too_large')
}

/** The signature is over the bytes that arrived; what a parser made of them cannot be verified. */
export class BodyConsumedError extends Error {
  constructor() {
    super(
      'The body was read before the receiver got the request. Let it have the request first: in Express, mount it before ' +
        "express.json(), or put express.raw({ type: '*/*' }) in front of it; elsewhere, hand over a clone.",
    )
    this.name = 'BodyConsumedError'
  }
}
