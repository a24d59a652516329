import { gapAt } from './inclusion-check.ts'
import type { Demand, Gap } from './inclusion-check.ts'
import { canonicalText, member } from './schema-node.ts'
import type { SchemaNode } from './schema-node.ts'
import { listedValues, valueTypes } from './schema-types.ts'
import type { ValueType } from './schema-types.ts'

/** What `type`, `const`, `enum` and the keywords of numbers and texts demand beyond the facts. */
export function plainGaps(demand: Demand): Gap[] {
  const { facts, types, part, check } = demand
  const values = listedValues(facts) ?? valuesOfTypes(types)
  if (values) return valueGaps(demand, values)
  const gaps: Gap[] = []
  const own = (keyword: string) => member(part.schema, keyword)
  const missing = valueTypes.filter((type) => types.has(type) && refusesType(part, type))
  if (missing.length > 0) gaps.push(gapAt(part, 'type', own('type')))
  for (const keyword of ['const', 'enum']) if (own(keyword) !== undefined) gaps.push(gapAt(part, keyword, own(keyword)))
  if (types.has('integer') || types.has('fraction')) gaps.push(...numberGaps(facts, part))
  if (types.has('string')) {
    for (const keyword of ['minLength', 'maxLength']) {
      const limit = own(keyword)
      if (typeof limit === 'number' && !keepsLimit(facts, keyword, limit)) gaps.push(gapAt(part, keyword, limit))
    }
    const { pattern, format } = { pattern: own('pattern'), format: own('format') }
    if (pattern !== undefined && !facts.some(({ schema }) => member(schema, 'pattern') === pattern)) {
      gaps.push(gapAt(part, 'pattern', pattern))
    }
    // A format that is not known is an annotation: it takes the text that all known ones refuse.
    const demandsFormat = format !== undefined && check.fits({ format }, ' \u0000') !== undefined
    if (demandsFormat && !facts.some(({ schema }) => member(schema, 'format') === format)) {
      gaps.push(gapAt(part, 'format', format))
    }
  }
  return gaps
}

/** The values to look at one by one where the types leave few. */
function valuesOfTypes(types: ReadonlySet<ValueType>): readonly unknown[] | undefined {
  if (![...types].every((type) => type === 'null' || type === 'boolean')) return undefined
  return [...types].flatMap((type) => (type === 'null' ? [null] : [true, false]))
}

function valueGaps({ facts, part, check }: Demand, values: readonly unknown[]): Gap[] {
  const keywords = new Set<string>()
  for (const value of values) {
    const refusals = facts.map(({ schema }) => check.fits(schema, value))
    if (refusals.some((keyword) => keyword !== undefined && keyword !== 'undecided')) continue
    const keyword = check.fits(part.schema, value)
    if (keyword !== undefined) keywords.add(keyword)
  }
  return [...keywords].map((keyword) =>
    keyword === 'undecided'
      ? { code: keyword, pointer: part.pointer, demand: 'a listed value cannot be judged' }
      : gapAt(part, keyword, member(part.schema, keyword)),
  )
}

function refusesType(part: SchemaNode, type: ValueType): boolean {
  const named = member(part.schema, 'type')
  if (named === undefined) return false
  if (type === 'null' && member(part.schema, 'nullable') === true) return false
  const wide: string = type === 'integer' || type === 'fraction' ? 'number' : type
  return ![named].flat().some((one) => one === type || one === wide)
}

/** Whether the facts keep a limit whose name begins with `min` or `max`. */
export function keepsLimit(facts: readonly SchemaNode[], keyword: string, limit: number): boolean {
  return facts.some(({ schema }) => {
    const given = member(schema, keyword)
    return typeof given === 'number' && (keyword.startsWith('min') ? given >= limit : given <= limit)
  })
}

function numberGaps(facts: readonly SchemaNode[], part: SchemaNode): Gap[] {
  const gaps: Gap[] = []
  for (const [keyword, limit] of ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'].map(
    (keyword) => [keyword, member(part.schema, keyword)] as const,
  )) {
    if (typeof limit === 'number' && !facts.some((fact) => keepsBound(fact, keyword, limit))) {
      gaps.push(gapAt(part, keyword, limit))
    }
  }
  const step = member(part.schema, 'multipleOf')
  if (typeof step === 'number' && !keepsStep(facts, step)) gaps.push(gapAt(part, 'multipleOf', step))
  return gaps
}

function keepsBound({ schema }: SchemaNode, keyword: string, limit: number): boolean {
  const isLower = keyword.toLowerCase().endsWith('minimum')
  const sign = isLower ? 1 : -1
  const closed = member(schema, isLower ? 'minimum' : 'maximum')
  const open = member(schema, isLower ? 'exclusiveMinimum' : 'exclusiveMaximum')
  if (typeof open === 'number' && sign * open >= sign * limit) return true
  if (typeof closed !== 'number') return false
  return keyword.startsWith('exclusive') ? sign * closed > sign * limit : sign * closed >= sign * limit
}

/**
 * A multiple of 6 is a multiple of 3, but the validator divides in floating point: that is exact only for whole numbers
 * below 2^53, so bounds must be given.
 */
function keepsStep(facts: readonly SchemaNode[], step: number): boolean {
  const steps = facts.map(({ schema }) => member(schema, 'multipleOf')).filter((given) => typeof given === 'number')
  if (steps.some((given) => canonicalText(given) === canonicalText(step))) return true
  if (!Number.isSafeInteger(step)) return false
  const isBounded =
    facts.some((fact) => keepsBound(fact, 'minimum', Number.MIN_SAFE_INTEGER)) &&
    facts.some((fact) => keepsBound(fact, 'maximum', Number.MAX_SAFE_INTEGER))
  const isWhole = facts.some(({ schema }) => member(schema, 'type') === 'integer')
  return isBounded && isWhole && (step === 1 || steps.some((given) => Number.isInteger(given) && given % step === 0))
}
