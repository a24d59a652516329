/**
 * HTTP POST to places that tenants chose: bounded in time and size, guarded at the socket.
 *
 * The parts, from the outside in: `HttpPoster` keeps an `OriginPool` per origin and client identity, a pool keeps `HttpConnection`s, a
 * connection carries one `HttpAttempt` at a time and opens its socket through `connectGuarded`. Pools vanish with their last
 * connection, so what is kept follows the traffic and not the number of endpoints.
 *
 * Redirects are answers like any other and are not followed. Bodies are not decompressed. Nothing that may have reached
 * the receiver is sent a second time from here.
 */
import type { SecureContext } from 'node:tls'
import type { DnsServers } from './dns-servers.ts'
import { checkWebhookUrl, type EgressAllow, type UrlRefusal } from './egress-policy.ts'
import type { EgressProxy } from './egress-proxy.ts'
import type { ConnectPolicy } from './guarded-connect.ts'
import { HttpAttempt } from './http-attempt.ts'
import { OriginPool, type OriginPoolOptions } from './origin-pool.ts'
import { ownAddresses } from './own-addresses.ts'
import { type PostErrorClass, PostFailure, type PostResult } from './post-result.ts'
import { HostResolver, type ResolveHost } from './resolve-host.ts'
import { type ClientTls, createClientContext, createVerifyingContext } from './webhook-tls.ts'

export interface HttpPosterOptions {
  readonly allow: EgressAllow
  /** Default: the system's name servers. `proxy` needs one, and leaves names to it. */
  readonly dnsServers?: DnsServers
  /** Instead of asking name servers. */
  readonly resolve?: ResolveHost
  /** Authorities to trust beside the default ones, as PEM. */
  readonly ca?: string | undefined
  /** Default: none, whatever the environment says. */
  readonly proxy?: EgressProxy | undefined
  /** Default: those that the system tells. */
  readonly ownAddresses?: () => ReadonlySet<string>
  /** Default 64. Calls beyond it wait, and the wait counts towards their deadline. */
  readonly maxSocketsPerOrigin?: number
  /** Default 4 s; a receiver's own `keep-alive` hint may shorten it. */
  readonly maxIdleMs?: number
  /** For TCP and TLS together, within the call's deadline. Default 5 s. */
  readonly connectTimeoutMs?: number
}

export interface PostRequest {
  /** Checked here when the first connection to its origin is made, and its addresses with every connection. */
  readonly url: URL
  /** Naming `host`, `accept-encoding`, `content-length` or what steers the connection ends in `invalid_request`. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** For everything together: waiting, resolving, connecting, sending, and the answer with its body. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /**
   * A certificate to show, and who vouches for the receiver. Sockets are shared with no call of another identity, and TLS
   * sessions are never resumed. What is made of it is kept as long as the object. One that OpenSSL cannot use ends in
   * `invalid_request`.
   */
  readonly tls?: ClientTls | undefined
  /** Whose call it is: look-ups of one company wait for each other beyond a bound. Default: those of one domain do. */
  readonly companyId?: string
  /** Called when the whole request was given to the socket; perhaps never, and at most once. */
  readonly onSent?: () => void
}

/** Set by this module, by undici, or not at all. */
const reservedHeaders = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Sends webhooks. Make one per process and share it: it holds the open sockets. Safe to call any number of times at once.
 */
export class HttpPoster {
  readonly #allow: EgressAllow
  readonly #poolOptions: OriginPoolOptions
  readonly #ca: string | undefined
  /** By what they were made of: making one takes up to milliseconds. */
  readonly #contexts = new WeakMap<ClientTls, SecureContext>()
  readonly #pools = new Map<string, OriginPool>()
  readonly #attempts = new Set<HttpAttempt>()
  #closed = false

  constructor(options: HttpPosterOptions) {
    this.#allow = options.allow
    this.#ca = options.ca
    this.#poolOptions = {
      policy: connectPolicy(options),
      maxSockets: options.maxSocketsPerOrigin ?? 64,
      maxIdleMs: options.maxIdleMs ?? 4_000,
    }
  }

  /** Sends one request and tells what became of it. Never rejects. */
  post({ url, headers, body, timeoutMs, signal, tls, companyId, onSent }: PostRequest): Promise<PostResult> {
    if (this.#closed || signal?.aborted) return notSent('cancelled', 'The call was given up by the sender')
    const headerList = headersToSend(headers)
    if (!headerList) return notSent('invalid_request', 'A header of the request is reserved for the sender')
    const pool = this.#poolFor(url, tls)
    if (pool instanceof PostFailure) return notSent(pool.errorClass, pool.message)
    return new Promise((resolve) => {
      const options = { path: url.pathname + url.search, method: 'POST', headers: headerList, body }
      const done = (result: PostResult): void => {
        this.#attempts.delete(attempt)
        resolve(result)
      }
      const attempt = new HttpAttempt(options, timeoutMs, signal, done, onSent, companyId)
      this.#attempts.add(attempt)
      pool.run(attempt)
    })
  }

  /** Cancels what is under way and closes every socket. Calls made afterwards are cancelled at once. */
  async close(): Promise<void> {
    this.#closed = true
    const closing = [...this.#pools.values()].map((pool) => pool.close())
    for (const attempt of this.#attempts) attempt.cancel()
    await Promise.all(closing)
  }

  #poolFor(url: URL, tls: ClientTls | undefined): OriginPool | PostFailure {
    const key = tls ? `${url.origin} ${tls.identity}` : url.origin
    const known = this.#pools.get(key)
    if (known) return known
    const check = checkWebhookUrl(url.href, this.#allow)
    if (!check.ok) return urlFailure(check.code, check.message)
    const options = tls ? this.#optionsFor(tls) : this.#poolOptions
    if (options instanceof PostFailure) return options
    const pool = new OriginPool(url, options, () => this.#pools.delete(key))
    this.#pools.set(key, pool)
    return pool
  }

  #optionsFor(tls: ClientTls): OriginPoolOptions | PostFailure {
    const { policy, ...rest } = this.#poolOptions
    try {
      const context = this.#contexts.get(tls) ?? createClientContext(tls, this.#ca)
      this.#contexts.set(tls, context)
      return { ...rest, policy: { ...policy, tls: context } }
    } catch {
      return new PostFailure('invalid_request', 'The client certificate, its key or the authority cannot be used')
    }
  }
}

function connectPolicy(options: HttpPosterOptions): ConnectPolicy {
  const { allow, proxy, dnsServers = [] } = options
  const namesResolvedHere = dnsServers !== 'proxy'
  if (!namesResolvedHere && !proxy) throw new Error('names cannot be left to an egress proxy where there is none')
  const servers = namesResolvedHere ? dnsServers : []
  const resolver = new HostResolver({ allow, servers, systemNames: proxy ? [proxy.host] : [] })
  const resolve = options.resolve ?? resolver.resolve
  return {
    allow,
    resolve,
    ownAddresses: options.ownAddresses ?? ownAddresses,
    tls: createVerifyingContext(options.ca),
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    ...(proxy && { proxy: { ...proxy, namesResolvedHere, resolve: resolver.resolve } }),
  }
}

/** Names and values in turn, as undici takes them fastest. Null when a name is reserved. */
function headersToSend(headers: Readonly<Record<string, string>>): string[] | null {
  const list = ['accept-encoding', 'identity']
  for (const name of Object.keys(headers)) {
    if (reservedHeaders.has(name.toLowerCase())) return null
    list.push(name, headers[name] ?? '')
  }
  return list
}

function urlFailure(code: UrlRefusal, message: string): PostFailure {
  const isAboutHost = code === 'blocked_address' || code === 'local_host_name' || code === 'refused_host'
  return new PostFailure(isAboutHost ? 'blocked_address' : 'invalid_url', message)
}

function notSent(errorClass: PostErrorClass, message: string): Promise<PostResult> {
  return Promise.resolve({ kind: 'error', errorClass, message, sent: false, timings: { totalMs: 0 } })
}
