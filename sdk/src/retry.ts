const backoffMaxMs = 10_000
/** A server that asks for a longer pause is not waited for; the caller gets its answer and decides. */
const retryAfterMaxMs = 60_000

interface Failure {
  readonly code: string
  readonly status: number
  readonly retryAfterMs: number | undefined
}

/**
 * No answer came, or one that says "later"; 502 and 504 are a proxy saying that no answer came. Whether the request was carried
 * out is not known then, so that only a repeatable one is sent again. One that was refused as one too many was not.
 */
export function isWorthRetrying({ code, status, retryAfterMs = 0 }: Failure, isRepeatable: boolean): boolean {
  if (retryAfterMs > retryAfterMaxMs) return false
  if (status === 429) return true
  const isUnknown = code === 'network_error' || code === 'timeout' || status === 502 || status === 503 || status === 504
  return isRepeatable && isUnknown
}

/**
 * The pause before retry number `retry` (1, 2, …): from half of to the whole of 250 ms · 2^(retry − 1), 10 s at most, as
 * `random` in [0, 1) has it; but never less than what the server asked for.
 */
export function retryDelayMs(retry: number, random: number, retryAfterMs = 0): number {
  const backoffMs = Math.min(backoffMaxMs, 250 * 2 ** (retry - 1))
  return Math.max(retryAfterMs, Math.round(backoffMs * (0.5 + random / 2)))
}

/**
 * A Retry-After header (RFC 9110 section 10.2.3: seconds, or a date such as `Sun, 06 Nov 1994 08:49:37 GMT`) in
 * milliseconds from now, 0 for a date that has passed; undefined if there is none or it says neither.
 */
export function parseRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined
  if (/^\d+$/.test(header)) return Number(header) * 1_000
  // Without this, Date.parse would take "-1" for a year.
  if (!/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/.test(header)) return undefined
  const atMs = Date.parse(header)
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs)
}
