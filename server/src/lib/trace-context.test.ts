import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextTraceParent, parseTraceParent } from './trace-context.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'

test('a traceparent is kept in the form of version 00', () => {
  assert.equal(parseTraceParent(`00-${traceId}-${spanId}-01`), `00-${traceId}-${spanId}-01`)
  assert.equal(parseTraceParent(`00-${traceId}-${spanId}-00`), `00-${traceId}-${spanId}-00`)
  // A later version may have more members, and flags that version 00 does not know.
  assert.equal(parseTraceParent(`cc-${traceId}-${spanId}-ff-what-comes`), `00-${traceId}-${spanId}-01`)
  assert.equal(parseTraceParent(`cc-${traceId}-${spanId}-fe`), `00-${traceId}-${spanId}-00`)
})

test('a traceparent that may not be used is as good as none', () => {
  const wrong = [
    undefined,
    [`00-${traceId}-${spanId}-01`],
    '',
    `00-${traceId}-${spanId}`,
    `00-${traceId}-${spanId}-01-more`,
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    ` 00-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01\n`,
    `cc-${traceId}-${spanId}-01.more`,
    // Two headers, as Node joins them.
    `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`,
  ]
  for (const header of wrong) assert.equal(parseTraceParent(header), undefined, String(header))
})

test('a call belongs to the same trace and is a span of its own', () => {
  const parent = `00-${traceId}-${spanId}-01`
  const [first, second] = [nextTraceParent(parent), nextTraceParent(parent)]
  for (const next of [first, second]) {
    assert.equal(parseTraceParent(next), next)
    assert.equal(next.slice(0, 36), parent.slice(0, 36))
    assert.equal(next.slice(52), '-01')
  }
  assert.equal(new Set([parent, first, second]).size, 3)
})
