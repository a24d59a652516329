import { DaybookError, errorFromAnswer } from './daybook-error.ts'
import { withId } from './publish-event.ts'
import type { PublishedBatch, PublishedEvent, PublishEvent } from './publish-event.ts'
import { isWorthRetrying, retryDelayMs } from './retry.ts'

export interface DaybookClientOptions {
  /** The server's address, with a path if it lies behind one: `https://daybook.example.com`. */
  readonly baseUrl: string
  readonly apiKey: string
  /** Another `fetch`: one with a proxy, with tracing, or a test's. */
  readonly fetch?: typeof fetch
  /** How often a publish is tried again; 3 when not given, 0 for never. */
  readonly maxRetries?: number
  /** For each try; 30,000 when not given. */
  readonly timeoutMs?: number
  /** Waits before a retry and rejects when the signal is aborted. For tests. */
  readonly sleep?: Sleep
}

type Sleep = (delayMs: number, signal: AbortSignal | undefined) => Promise<void>

type QueryValue = string | number | boolean

export interface RequestOptions {
  /** A list is sent as one parameter per value; undefined is left out. */
  readonly query?: Readonly<Record<string, QueryValue | readonly QueryValue[] | undefined>>
  /** Sent as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

type SendOptions = Omit<RequestOptions, 'body'>

export interface PublishOptions {
  readonly signal?: AbortSignal | undefined
}

/** Talks to one Daybook server with one API key. Keeps no state between calls. */
export class DaybookClient {
  readonly #apiUrl: string
  readonly #apiKey: string
  readonly #fetch: typeof fetch
  readonly #maxRetries: number
  readonly #timeoutMs: number
  readonly #sleep: Sleep

  /** Throws a TypeError when `baseUrl` is not an http or https address. */
  constructor(options: DaybookClientOptions) {
    this.#apiUrl = apiUrl(options.baseUrl)
    this.#apiKey = options.apiKey
    // Not stored bare: called as a method of this object, a browser's fetch refuses.
    const { fetch: ownFetch } = options
    this.#fetch = (input, init) => (ownFetch ?? fetch)(input, init)
    this.#maxRetries = options.maxRetries ?? 3
    this.#timeoutMs = options.timeoutMs ?? 30_000
    this.#sleep = options.sleep ?? sleep
  }

  /**
   * One try of one request. `path` is what follows `/api/v1`: `/events/timeline`; the values in it are for the caller to
   * encode. Resolves with the answer's JSON, or null if it has no body; nothing checks that it is a `T`. Rejects with
   * `DaybookError`, or with the signal's reason.
   */
  async request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const { body, ...rest } = options
    return await this.#try<T>(method, path, rest, body === undefined ? undefined : JSON.stringify(body))
  }

  /** Publishes one event. When this resolves, the event is committed. Tried again like `publishBatch`. */
  async publish(event: PublishEvent, options: PublishOptions = {}): Promise<PublishedEvent> {
    return await this.#postWithRetries<PublishedEvent>('/events', withId(event), options.signal)
  }

  /**
   * Publishes up to 1,000 events, all or none. Tried again when no answer came, or one that says "later" (429, 502, 503,
   * 504). That is safe: an event without an id is given one before the first try, and all tries send the same bytes, so the
   * server recognises what it committed already.
   */
  async publishBatch(events: readonly PublishEvent[], options: PublishOptions = {}): Promise<PublishedBatch> {
    return await this.#postWithRetries<PublishedBatch>('/events/batch', { events: events.map(withId) }, options.signal)
  }

  async #postWithRetries<T>(path: string, content: unknown, signal: AbortSignal | undefined): Promise<T> {
    const body = JSON.stringify(content)
    for (let retry = 1; ; retry++) {
      try {
        return await this.#try<T>('POST', path, { signal }, body)
      } catch (error) {
        if (retry > this.#maxRetries || !(error instanceof DaybookError) || !isWorthRetrying(error)) throw error
        await this.#sleep(retryDelayMs(retry, Math.random(), error.retryAfterMs), signal)
      }
    }
  }

  async #try<T>(method: string, path: string, options: SendOptions, body: string | undefined): Promise<T> {
    const { response, text } = await this.#send(method, path, options, body)
    if (response.ok) {
      try {
        return JSON.parse(text === '' ? 'null' : text)
      } catch {
        // Not an answer of Daybook's: an error like any other, below.
      }
    }
    throw errorFromAnswer(response, text, Date.now())
  }

  async #send(
    method: string,
    path: string,
    options: SendOptions,
    body: string | undefined,
  ): Promise<{ response: Response; text: string }> {
    const { signal } = options
    signal?.throwIfAborted()
    const deadline = AbortSignal.timeout(this.#timeoutMs)
    const request: RequestInit = {
      method,
      headers: this.#headers(options.headers, body),
      // Followed, a redirected POST could become a GET, and the key is meant for this server alone.
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      ...(body !== undefined && { body }),
    }
    try {
      const response = await this.#fetch(this.#apiUrl + path + queryText(options.query), request)
      return { response, text: await response.text() }
    } catch (cause) {
      signal?.throwIfAborted()
      if (deadline.aborted) throw new DaybookError('timeout', `no answer within ${this.#timeoutMs} ms`, { cause })
      throw new DaybookError('network_error', 'the server could not be reached, or broke off', { cause })
    }
  }

  #headers(given: RequestOptions['headers'], body: string | undefined): Headers {
    const headers = new Headers(given)
    headers.set('authorization', `Bearer ${this.#apiKey}`)
    if (!headers.has('accept')) headers.set('accept', 'application/json')
    if (body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json')
    return headers
  }
}

function apiUrl(baseUrl: string): string {
  const { protocol, origin, pathname } = new URL(baseUrl)
  if (protocol !== 'https:' && protocol !== 'http:') throw new TypeError('baseUrl is an http or https address')
  return `${origin}${pathname.replace(/\/+$/, '')}/api/v1`
}

function queryText(query: RequestOptions['query'] = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one))
  }
  return parameters.size === 0 ? '' : `?${parameters}`
}

async function sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    signal?.throwIfAborted()
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, delayMs)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
