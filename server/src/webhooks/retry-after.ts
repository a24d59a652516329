/** Longer than any date or sensible number of seconds; what is longer is not looked at. */
const maxLength = 64

const month = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'
const time = '\\d{2}:\\d{2}:\\d{2}'
/** The three forms of RFC 9110 section 5.6.7. `Date.parse` alone takes far too much, `-1` for instance. */
const fixDate = new RegExp(`^[A-Z][a-z]{2}, \\d{2} ${month} \\d{4} ${time} GMT$`)
const rfc850Date = new RegExp(`^[A-Z][a-z]{5,8}, \\d{2}-${month}-\\d{2} ${time} GMT$`)
const asctimeDate = new RegExp(`^[A-Z][a-z]{2} ${month} [ \\d]\\d ${time} \\d{4}$`)

/**
 * Milliseconds from `nowMs` that a `Retry-After` value (RFC 9110 section 10.2.3) asks to wait: seconds or an HTTP date.
 * May be zero, negative (a date that has passed) or absurdly large, so clamp it. Null for what does not parse.
 */
export function parseRetryAfterMs(value: string, nowMs: number): number | null {
  const text = value.length > maxLength ? '' : value.trim()
  if (/^\d+$/.test(text)) return Number(text) * 1000
  if (fixDate.test(text) || rfc850Date.test(text)) return fromNow(text, nowMs)
  // The one form without a zone; it means UTC.
  if (asctimeDate.test(text)) return fromNow(`${text} GMT`, nowMs)
  return null
}

function fromNow(date: string, nowMs: number): number | null {
  const at = Date.parse(date)
  return Number.isNaN(at) ? null : at - nowMs
}
