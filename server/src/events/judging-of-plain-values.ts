import type { Check, Judging } from './judging.ts'
import { payloadFormats } from './payload-formats.ts'
import { canonicalText, member } from './schema-node.ts'
import type { SchemaPatterns } from './schema-patterns.ts'

/** What `type`, `const`, `enum` and the keywords of numbers and texts ask. */
export function plainChecks(schema: unknown, patterns: SchemaPatterns): readonly Check[] {
  const checks = [typeCheck(schema), constCheck(schema), enumCheck(schema), ...numberChecks(schema)]
  return [...checks, ...lengthChecks(schema), patternCheck(schema, patterns), formatCheck(schema)].filter(
    (check) => check !== undefined,
  )
}

const typeTests: Readonly<Record<string, (value: unknown) => boolean>> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => Number.isInteger(value),
  number: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string',
  array: (value) => Array.isArray(value),
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
}

function typeCheck(schema: unknown): Check | undefined {
  const type = member(schema, 'type')
  if (type === undefined) return undefined
  const names = [type].flat().filter((name) => typeof name === 'string')
  // Known by the validator of the standard definitions, too: OpenAPI 3.0 writes it.
  if (member(schema, 'nullable') === true) names.push('null')
  const tests = names.map((name) => typeTests[name]).filter((test) => test !== undefined)
  return (value, place, judging) => tests.some((test) => test(value)) || judging.violation(place, 'type', { type })
}

function constCheck(schema: unknown): Check | undefined {
  const allowedValue = member(schema, 'const')
  if (allowedValue === undefined) return undefined
  const isEqual = equalsOneOf([allowedValue])
  return (value, place, judging) => isEqual(value, judging) || judging.violation(place, 'const', { allowedValue })
}

function enumCheck(schema: unknown): Check | undefined {
  const allowedValues = member(schema, 'enum')
  if (!Array.isArray(allowedValues)) return undefined
  const isEqual = equalsOneOf(allowedValues)
  return (value, place, judging) => isEqual(value, judging) || judging.violation(place, 'enum', { allowedValues })
}

function equalsOneOf(allowed: readonly unknown[]): (value: unknown, judging: Judging) => boolean {
  const plain = new Set(allowed.filter((one) => typeof one !== 'object' || one === null))
  const texts = new Set(allowed.filter((one) => typeof one === 'object' && one !== null).map(canonicalText))
  return (value, judging) => {
    if (typeof value !== 'object' || value === null) return plain.has(value)
    return texts.size > 0 && texts.has(paidText(value, judging))
  }
}

/** The same text for equal values: lists of values are compared in linear time. */
export function paidText(value: unknown, judging: Judging): string {
  payForText(value, judging)
  return canonicalText(value)
}

function payForText(value: unknown, judging: Judging): void {
  judging.pay(TEXT_STEPS)
  if (typeof value === 'string') judging.pay(value.length >> 1)
  if (typeof value !== 'object' || value === null) return
  for (const [key, one] of Object.entries(value)) {
    judging.pay(TEXT_STEPS + (key.length >> 1))
    payForText(one, judging)
  }
}

/** A value's part in a text is copied once for each level above it. */
const TEXT_STEPS = 15

const limits: readonly (readonly [keyword: string, keeps: (value: number, limit: number) => boolean])[] = [
  ['minimum', (value, limit) => value >= limit],
  ['maximum', (value, limit) => value <= limit],
  ['exclusiveMinimum', (value, limit) => value > limit],
  ['exclusiveMaximum', (value, limit) => value < limit],
]

function numberChecks(schema: unknown): readonly Check[] {
  const checks: Check[] = []
  for (const [keyword, keeps] of limits) {
    const limit = member(schema, keyword)
    if (typeof limit !== 'number') continue
    checks.push(
      (value, place, judging) =>
        typeof value !== 'number' || keeps(value, limit) || judging.violation(place, keyword, { limit }),
    )
  }
  const multipleOf = member(schema, 'multipleOf')
  if (typeof multipleOf === 'number') {
    checks.push(
      (value, place, judging) =>
        typeof value !== 'number' ||
        Number.isInteger(value / multipleOf) ||
        judging.violation(place, 'multipleOf', { multipleOf }),
    )
  }
  return checks
}

function lengthChecks(schema: unknown): readonly Check[] {
  return ['minLength', 'maxLength'].flatMap((keyword) => {
    const limit = member(schema, keyword)
    if (typeof limit !== 'number') return []
    const isLeast = keyword === 'minLength'
    const check: Check = (value, place, judging) => {
      if (typeof value !== 'string') return true
      const length = lengthNear(value, limit, judging)
      return (isLeast ? length >= limit : length <= limit) || judging.violation(place, keyword, { limit })
    }
    return [check]
  })
}

/**
 * The number of characters (Unicode code points, JSON Schema Validation 6.3.1), or one on the same side of the limit: they
 * are counted only where the number of UTF-16 units leaves that open.
 */
function lengthNear(text: string, limit: number, judging: Judging): number {
  if (text.length < limit) return text.length
  if (text.length / 2 > limit) return text.length / 2
  judging.pay(text.length >> 2)
  let count = text.length
  for (let at = 0; at < text.length - 1; at++) {
    if (!isHighSurrogate(text.charCodeAt(at)) || !isLowSurrogate(text.charCodeAt(at + 1))) continue
    count--
    at++
  }
  return count
}

const isHighSurrogate = (unit: number) => unit >= 0xd800 && unit < 0xdc00
const isLowSurrogate = (unit: number) => unit >= 0xdc00 && unit < 0xe000

function patternCheck(schema: unknown, patterns: SchemaPatterns): Check | undefined {
  const pattern = member(schema, 'pattern')
  if (typeof pattern !== 'string') return undefined
  const compiled = patterns.compile(pattern)
  return (value, place, judging) =>
    typeof value !== 'string' || judging.matches(compiled, value) || judging.violation(place, 'pattern', { pattern })
}

function formatCheck(schema: unknown): Check | undefined {
  const format = member(schema, 'format')
  const test = typeof format === 'string' ? payloadFormats.get(format) : undefined
  if (!test) return undefined
  return (value, place, judging) => {
    if (typeof value !== 'string') return true
    judging.pay(FORMAT_STEPS + value.length * FORMAT_STEPS_PER_CHARACTER)
    return test(value) || judging.violation(place, 'format', { format })
  }
}

const FORMAT_STEPS = 10
const FORMAT_STEPS_PER_CHARACTER = 2
