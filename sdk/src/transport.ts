import type { CallOptions } from './call-options.ts'
import { DaybookConnectionError, DaybookError, errorFromAnswer } from './daybook-error.ts'
import { rememberTag } from './entity-tags.ts'
import { parseJson } from './parse-json.ts'
import type { Query } from './query-text.ts'
import { queryText } from './query-text.ts'
import { isWorthRetrying, retryDelayMs } from './retry.ts'
import type { Sleep } from './sleep.ts'
import { sleep } from './sleep.ts'

export interface DaybookClientOptions {
  /** The server's address, with a path if it lies behind one: `https://daybook.example.com`. */
  readonly baseUrl: string
  readonly apiKey: string
  /** Another `fetch`: one with a proxy, with tracing, or a test's. */
  readonly fetch?: typeof fetch
  /** How often a call that may be sent twice is tried again; 3 when not given, 0 for never. */
  readonly maxRetries?: number
  /** For each try; 30,000 when not given. */
  readonly timeoutMs?: number
  /** For a call with all its tries and pauses; 120,000 when not given. The last failure is told when it is over. */
  readonly deadlineMs?: number
  /** Reads answers; another one can keep numbers that JavaScript rounds. `JSON.parse`, free of a fault of V8, when not given. */
  readonly parseJson?: (text: string) => unknown
  /** Waits before a retry and rejects when the signal is aborted. For tests. */
  readonly sleep?: Sleep
}

export interface ApiRequest extends CallOptions {
  readonly verb: string
  /** From the root of the server. */
  readonly path: string
  readonly query?: Query | undefined
  /** JSON. The same bytes in every try. */
  readonly body?: string | undefined
  /** Whether it may be sent again when it is not known what became of it. */
  readonly isRepeatable: boolean
}

/** Sends requests to one server with one key, again where that is safe. Keeps no state between calls. */
export class Transport {
  readonly #rootUrl: string
  readonly #options: DaybookClientOptions
  readonly #sleep: Sleep

  /** Throws a TypeError when `baseUrl` is not an http or https address. */
  constructor(options: DaybookClientOptions) {
    this.#rootUrl = rootUrl(options.baseUrl)
    this.#options = options
    this.#sleep = options.sleep ?? sleep
  }

  /** The answer's JSON, or null if it has no body. */
  async json(request: ApiRequest): Promise<unknown> {
    return await this.#withRetries(request, async (response) => this.#parsed(response, await response.text()))
  }

  async text(request: ApiRequest): Promise<string> {
    return await this.#withRetries(request, async (response) => await response.text())
  }

  /** The answer when its head is there; its body is for the caller to read, and `signal` alone ends it. */
  async open(request: ApiRequest): Promise<Response> {
    return await this.#withRetries(request, async (response) => response)
  }

  #parsed(response: Response, text: string): unknown {
    const parse = this.#options.parseJson ?? parseJson
    try {
      const answer = parse(text === '' ? 'null' : text)
      rememberTag(answer, response.headers.get('etag'))
      return answer
    } catch {
      throw errorFromAnswer(response, text, Date.now())
    }
  }

  async #withRetries<T>(request: ApiRequest, read: (response: Response) => Promise<T>): Promise<T> {
    const { maxRetries = this.#options.maxRetries ?? 3, deadlineMs = this.#options.deadlineMs ?? 120_000 } = request
    const endsAtMs = performance.now() + deadlineMs
    for (let retry = 1; ; retry++) {
      try {
        return await this.#try(request, endsAtMs - performance.now(), read)
      } catch (error) {
        if (retry > maxRetries || !(error instanceof DaybookError)) throw error
        if (!isWorthRetrying(error, request.isRepeatable)) throw error
        const delayMs = retryDelayMs(retry, Math.random(), error.retryAfterMs)
        if (performance.now() + delayMs >= endsAtMs) throw error
        await this.#sleep(delayMs, request.signal)
      }
    }
  }

  async #try<T>(request: ApiRequest, leftMs: number, read: (response: Response) => Promise<T>): Promise<T> {
    const { signal, verb, path, query, body, timeoutMs = this.#options.timeoutMs ?? 30_000 } = request
    signal?.throwIfAborted()
    const limitMs = Math.max(0, Math.min(timeoutMs, leftMs))
    const expiry = new AbortController()
    const timer = setTimeout(() => expiry.abort(), Math.min(limitMs, timerMaxMs))
    const init: RequestInit = {
      method: verb,
      headers: this.#headers(request),
      // Followed, a redirected POST could become a GET, and the key is meant for this server alone.
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, expiry.signal]) : expiry.signal,
      ...(body !== undefined && { body }),
    }
    try {
      const { fetch: ownFetch } = this.#options
      const response = await (ownFetch ?? fetch)(this.#rootUrl + path + queryText(query), init)
      if (!response.ok) throw errorFromAnswer(response, await response.text(), Date.now())
      return await read(response)
    } catch (cause) {
      signal?.throwIfAborted()
      if (cause instanceof DaybookError) throw cause
      if (expiry.signal.aborted) {
        throw new DaybookConnectionError('timeout', `no answer within ${Math.round(limitMs)} ms`, cause)
      }
      throw new DaybookConnectionError('network_error', 'the server could not be reached, or broke off', cause)
    } finally {
      clearTimeout(timer)
    }
  }

  #headers({ headers: given, body }: ApiRequest): Headers {
    const headers = new Headers(given)
    headers.set('authorization', `Bearer ${this.#options.apiKey}`)
    if (!headers.has('accept')) headers.set('accept', 'application/json')
    if (body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json')
    return headers
  }
}

/** A timer that is set for longer goes off at once. */
const timerMaxMs = 2 ** 31 - 1

function rootUrl(baseUrl: string): string {
  const { protocol, origin, pathname } = new URL(baseUrl)
  if (protocol !== 'https:' && protocol !== 'http:') throw new TypeError('baseUrl is an http or https address')
  return `${origin}${pathname.replace(/\/+$/, '')}`
}
