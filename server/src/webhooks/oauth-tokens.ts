import type { Clock } from '../lib/clock.ts'
import { RecentMap } from '../lib/recent-map.ts'
import type { OAuth2Auth } from './endpoint-auth.ts'
import type { HttpPoster } from './http-post.ts'
import { PostFailure } from './post-result.ts'
import type { GivenToken } from './request-token.ts'
import { requestToken } from './request-token.ts'

export interface OAuthTokensOptions {
  readonly clock: Clock
  readonly poster: HttpPoster
  readonly userAgent: string
  /** How long a token endpoint may take. Default 10 s; who waits may give up earlier. */
  readonly timeoutMs?: number
}

/** Whose token it is. */
export interface TokenOwner {
  readonly companyId: string
  readonly id: string
  /** Changes with the credentials. */
  readonly version: number
}

/** A token in force. Times are those of {@link Clock.elapsed}. */
export interface AccessToken {
  readonly value: string
  readonly givenMs: number
  readonly replaceMs: number
  readonly endsMs: number
}

/** For as long a token is used whose endpoint does not say how long it lasts. */
const LIFETIME_DEFAULT_MS = 300_000
/** Whatever its endpoint says. Some say 0 where they mean that they do not know. */
const LIFETIME_MIN_MS = 1_000
const LIFETIME_MAX_MS = 86_400_000
/** Ahead of its end by as much, or by a tenth of its life if that is more, a token is replaced. */
const EARLY_MIN_MS = 30_000
const EARLY_SHARE = 0.1

/** A failure stands for as long, so that a token endpoint in trouble is not asked for every delivery. */
const FAILURE_MS = 3_000
/** A token younger than this is not dropped: its endpoint gave it just now, and would give another like it. */
const DROP_AGE_MIN_MS = 3_000

/** Subscriptions with a token in memory; up to twice as many. */
const REMEMBERED = 10_000

/**
 * Access tokens of subscriptions, in memory. One request at a time per subscription, whoever waits for it; near its end a
 * token is replaced while it is still in use, so that no delivery waits for that. Tokens are lost with the process.
 */
export class OAuthTokens {
  readonly #options: OAuthTokensOptions
  readonly #entries = new RecentMap<Entry>(REMEMBERED)

  constructor(options: OAuthTokensOptions) {
    this.#options = options
  }

  /**
   * The token to call with, or why there is none. Never rejects. `signal` ends this wait only: the request goes on for
   * the others, and for the next attempt.
   */
  async token(owner: TokenOwner, auth: OAuth2Auth, signal: AbortSignal): Promise<AccessToken | PostFailure> {
    const entry = this.#entryOf(owner)
    const nowMs = this.#options.clock.elapsed()
    const { held, failure } = entry
    const isUsable = held !== undefined && nowMs < held.endsMs
    if (isUsable && nowMs < held.replaceMs) return held
    const mayAsk = failure === undefined || nowMs >= failure.endsMs
    if (!entry.asking && mayAsk) entry.asking = this.#ask(entry, owner, auth)
    if (isUsable) return held
    if (entry.asking) return await unlessAborted(entry.asking, signal)
    return failure?.reason ?? noAnswer()
  }

  /**
   * The endpoint answered a call with this token with 401. True when another token may be had by asking again: this one was
   * forgotten, or has been replaced already.
   */
  drop(owner: TokenOwner, used: AccessToken): boolean {
    const entry = this.#entryOf(owner)
    if (entry.held !== used) return true
    if (this.#options.clock.elapsed() < used.givenMs + DROP_AGE_MIN_MS) return false
    entry.held = undefined
    return true
  }

  #entryOf({ companyId, id, version }: TokenOwner): Entry {
    const key = `${companyId} ${id} ${version}`
    const known = this.#entries.get(key)
    if (known) return known
    const entry: Entry = { held: undefined, failure: undefined, asking: undefined }
    this.#entries.set(key, entry)
    return entry
  }

  async #ask(entry: Entry, { companyId }: TokenOwner, auth: OAuth2Auth): Promise<AccessToken | PostFailure> {
    const { clock, poster, userAgent, timeoutMs = 10_000 } = this.#options
    const askedMs = clock.elapsed()
    const given = await requestToken(poster, { auth, companyId, userAgent, timeoutMs })
    entry.asking = undefined
    if (given instanceof PostFailure) {
      entry.failure = { reason: given, endsMs: clock.elapsed() + FAILURE_MS }
      return given
    }
    entry.failure = undefined
    entry.held = { value: given.value, givenMs: clock.elapsed(), ...timesOf(given, askedMs) }
    return entry.held
  }
}

interface Entry {
  held: AccessToken | undefined
  failure: { readonly reason: PostFailure; readonly endsMs: number } | undefined
  asking: Promise<AccessToken | PostFailure> | undefined
}

/** Counted from the question, since the token may be as old. One with a short life is replaced in the middle of it. */
function timesOf(
  { lifetimeMs = LIFETIME_DEFAULT_MS }: GivenToken,
  askedMs: number,
): Pick<AccessToken, 'replaceMs' | 'endsMs'> {
  const lifeMs = Math.max(LIFETIME_MIN_MS, Math.min(lifetimeMs, LIFETIME_MAX_MS))
  const earlyMs = Math.min(Math.max(EARLY_MIN_MS, lifeMs * EARLY_SHARE), lifeMs / 2)
  return { replaceMs: askedMs + lifeMs - earlyMs, endsMs: askedMs + lifeMs }
}

async function unlessAborted<Value>(answer: Promise<Value>, signal: AbortSignal): Promise<Value | PostFailure> {
  if (signal.aborted) return noAnswer()
  const { promise, resolve } = Promise.withResolvers<PostFailure>()
  const onAbort = (): void => resolve(noAnswer())
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([answer, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function noAnswer(): PostFailure {
  return new PostFailure('oauth_unreachable', 'The token endpoint gave no token before the deadline')
}
