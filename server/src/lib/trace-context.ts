import { randomBytes } from 'node:crypto'

/**
 * W3C Trace Context, level 1: the header `traceparent`, which names a trace and the span that caused a request. Kept as text in
 * the form of version 00, `00-<trace id>-<span id>-<flags>`.
 */
const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

const SAMPLED = 1

/**
 * The header's value in the form that is kept; undefined when there is none that may be used (section 3.2.2). A later version
 * is read as far as version 00 goes, and flags that version 00 does not know are dropped (section 4.3).
 */
export function parseTraceParent(header: string | readonly string[] | undefined): string | undefined {
  if (typeof header !== 'string') return undefined
  const [, version = 'ff', traceId = '', spanId = '', flags = '', more] = form.exec(header) ?? []
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return traceParent(traceId, spanId, parseInt(flags, 16))
}

export function traceParent(traceId: string, spanId: string, flags: number): string {
  return `00-${traceId}-${spanId}-0${flags & SAMPLED}`
}

/** The same trace, a span of our own: what a call is sent with when nobody records the span itself. */
export function nextTraceParent(parent: string): string {
  return `${parent.slice(0, 36)}${newSpanId()}${parent.slice(52)}`
}

function newSpanId(): string {
  const id = randomBytes(8).toString('hex')
  return /^0+$/.test(id) ? newSpanId() : id
}
