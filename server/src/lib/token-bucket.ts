/**
 * The token bucket: up to `burst` at once, `perSecond` over time. Within any span of t seconds at most
 * `burst + perSecond * t` tokens are taken. Pure, so that whoever keeps buckets (this process, a row) says where and when.
 *
 * One bucket is moved by one clock. A clock that is set back adds nothing until it is where it was; set back by more than
 * an empty bucket takes to fill, it is followed, so no jump stops the flow for longer than that.
 */
export interface TokenBucket {
  /** Fractions of a token too; from 0 to `burst`. */
  readonly tokens: number
  /** When that was so, in milliseconds of the bucket's clock. */
  readonly atMs: number
}

export interface TokenRate {
  readonly perSecond: number
  readonly burst: number
}

export interface Taking {
  /** How the bucket is now; unchanged but for time when nothing was taken. */
  readonly bucket: TokenBucket
  /** 0: the tokens were taken. Otherwise nothing was, and so many whole milliseconds later they are there. */
  readonly waitMs: number
}

/** What a sum of fractions may lack of a whole token. */
const ROUNDING = 1e-6

/** Takes all `count` tokens or none. A bucket that is not known yet is full. More than `burst` is never there. */
export function takeTokens(bucket: TokenBucket | undefined, rate: TokenRate, nowMs: number, count = 1): Taking {
  const { tokens, atMs } = refill(bucket, rate, nowMs)
  if (tokens >= count - ROUNDING) return { bucket: { tokens: Math.max(0, tokens - count), atMs }, waitMs: 0 }
  const lackingMs = ((count - tokens) / rate.perSecond) * 1_000
  const waitMs = count > rate.burst ? Number.POSITIVE_INFINITY : Math.ceil(lackingMs + atMs - nowMs)
  return { bucket: { tokens, atMs }, waitMs }
}

/** The bucket with what came into it until now. */
export function refill(bucket: TokenBucket | undefined, rate: TokenRate, nowMs: number): TokenBucket {
  if (bucket === undefined) return { tokens: rate.burst, atMs: nowMs }
  const passedMs = nowMs - bucket.atMs
  if (passedMs >= 0) {
    return { tokens: Math.min(rate.burst, bucket.tokens + (passedMs * rate.perSecond) / 1_000), atMs: nowMs }
  }
  const fillMs = (rate.burst / rate.perSecond) * 1_000
  return -passedMs > fillMs ? { tokens: bucket.tokens, atMs: nowMs } : bucket
}
