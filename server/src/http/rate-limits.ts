/**
 * How many requests this process takes: per API key, and, of those with a wrong key, per address. In memory, each process
 * for itself: the limits protect the process, they are no quota. Bounded, and cheap enough for every publish.
 *
 * Answers tell of the limit as draft-ietf-httpapi-ratelimit-headers has it (structured fields of RFC 9651):
 * `ratelimit-policy: "key";q=2000;w=2` and `ratelimit: "key";r=1999;t=1`. A burst of q refills within w seconds.
 */
import type { Clock } from '../lib/clock.ts'
import { ProblemError } from '../lib/problems.ts'
import { RecentMap } from '../lib/recent-map.ts'
import type { TokenBucket, TokenRate } from '../lib/token-bucket.ts'
import { takeTokens } from '../lib/token-bucket.ts'

/** What is asked here of a reply. */
interface Reply {
  header(name: string, value: string): unknown
}

const BURST_SECONDS = 2
const KEYS_MAX = 10_000

const failureRate: TokenRate = { perSecond: 5, burst: 100 }
const ADDRESSES_MAX = 10_000

/** Every request takes a token of its key. */
export class KeyLimit {
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #rate: TokenRate
  readonly #policy: string
  readonly #buckets = new RecentMap<TokenBucket>(KEYS_MAX)

  /** @param perSecond requests of one key; 0 is no limit, and no headers */
  constructor(clock: Pick<Clock, 'elapsed'>, perSecond: number) {
    this.#clock = clock
    this.#rate = { perSecond, burst: perSecond * BURST_SECONDS }
    this.#policy = policyText('key', this.#rate)
  }

  /** Counts a request and writes the headers; throws `rate_limited` when it is one too many. */
  count(keyId: string, reply: Reply): void {
    if (this.#rate.perSecond === 0) return
    const { bucket, waitMs } = takeTokens(this.#buckets.get(keyId), this.#rate, this.#clock.elapsed())
    this.#buckets.set(keyId, bucket)
    writeHeaders(reply, 'key', this.#policy, this.#rate, bucket)
    if (waitMs > 0) refuse(reply, waitMs, 'The key has sent more requests than its limit; see ratelimit-policy')
  }
}

/**
 * Every wrong key takes a token of the address it came from. Where none is left, a wrong key is told so. A right one is never
 * refused for its address: whoever shares that with a guesser, behind a proxy, is let in.
 */
export class FailureLimit {
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #buckets = new RecentMap<TokenBucket>(ADDRESSES_MAX)
  readonly #policy = policyText('failures', failureRate)

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock
  }

  /** Counts a wrong key; throws `rate_limited` and writes the headers when it is one too many. */
  count(address: string, reply: Reply): void {
    const group = groupOf(address)
    const { bucket, waitMs } = takeTokens(this.#buckets.get(group), failureRate, this.#clock.elapsed())
    this.#buckets.set(group, bucket)
    if (waitMs === 0) return
    writeHeaders(reply, 'failures', this.#policy, failureRate, bucket)
    refuse(reply, waitMs, 'Too many wrong keys came from this address')
  }
}

function policyText(name: string, { perSecond, burst }: TokenRate): string {
  return `"${name}";q=${burst};w=${Math.ceil(burst / perSecond)}`
}

function writeHeaders(reply: Reply, name: string, policy: string, rate: TokenRate, bucket: TokenBucket): void {
  const fullAfter = Math.ceil((rate.burst - bucket.tokens) / rate.perSecond)
  reply.header('ratelimit-policy', policy)
  reply.header('ratelimit', `"${name}";r=${Math.floor(bucket.tokens)};t=${fullAfter}`)
}

function refuse(reply: Reply, waitMs: number, message: string): never {
  reply.header('retry-after', String(Math.max(1, Math.ceil(waitMs / 1_000))))
  throw new ProblemError('rate_limited', message)
}

/** An IPv6 host has a network of 2^64 addresses to itself, so the network counts. IPv4 in IPv6 is IPv4. */
function groupOf(address: string): string {
  if (!address.includes(':')) return address
  if (address.includes('.')) return address.slice(address.lastIndexOf(':') + 1)
  const [head = '', tail] = address.split('::')
  const groups = head.split(':').filter((group) => group !== '')
  const rest = tail === undefined ? [] : tail.split(':').filter((group) => group !== '')
  const zeros = Array<string>(tail === undefined ? 0 : Math.max(0, 8 - groups.length - rest.length)).fill('0')
  return [...groups, ...zeros, ...rest].slice(0, 4).join(':')
}
