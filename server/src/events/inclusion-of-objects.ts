import { escapePointerToken } from '../lib/json-pointer.ts'
import { gapAt } from './inclusion-check.ts'
import type { Demand, Gap, InclusionCheck } from './inclusion-check.ts'
import { keepsLimit } from './inclusion-of-plain-values.ts'
import { below, isSchemaObject, keysBelow, member, textsOf } from './schema-node.ts'
import type { SchemaNode } from './schema-node.ts'

/** What the keywords of objects demand beyond the facts. */
export function objectGaps(demand: Demand): readonly Gap[] {
  const { facts, types, part } = demand
  if (!types.has('object')) return []
  const required = requiredNames(facts)
  const gaps: Gap[] = []
  for (const [index, name] of textsOf(member(part.schema, 'required')).entries()) {
    if (required.has(name)) continue
    const pointer = `${part.pointer}/required/${index}`
    gaps.push({ code: 'required', pointer, demand: `the member \`${name}\` must be there` })
  }
  for (const name of keysBelow(part, 'dependentRequired')) gaps.push(...dependentGaps(demand, name))
  const { minProperties, maxProperties } = counts(part)
  if (minProperties > required.size && !keepsLimit(facts, 'minProperties', minProperties)) {
    gaps.push(gapAt(part, 'minProperties', minProperties))
  }
  const closed = closedNames(facts)
  const isFew = closed !== undefined && closed.length <= maxProperties
  if (maxProperties < Infinity && !isFew && !keepsLimit(facts, 'maxProperties', maxProperties)) {
    gaps.push(gapAt(part, 'maxProperties', maxProperties))
  }
  return [...gaps, ...memberGaps(demand), ...nameGaps(demand, closed)]
}

function counts({ schema }: SchemaNode): { minProperties: number; maxProperties: number } {
  const [least, most] = [member(schema, 'minProperties'), member(schema, 'maxProperties')]
  return {
    minProperties: typeof least === 'number' ? least : 0,
    maxProperties: typeof most === 'number' ? most : Infinity,
  }
}

function requiredNames(facts: readonly SchemaNode[]): ReadonlySet<string> {
  return new Set(facts.flatMap(({ schema }) => textsOf(member(schema, 'required'))))
}

function dependentGaps({ facts, part, check }: Demand, name: string): Gap[] {
  if (membersNamed(facts, name, check).some(({ schema }) => schema === false)) return []
  const present = requiredNames(facts)
  const implied = facts.flatMap(({ schema }) => textsOf(member(member(schema, 'dependentRequired'), name)))
  const missing = textsOf(member(member(part.schema, 'dependentRequired'), name)).filter(
    (other) => other !== name && !present.has(other) && !implied.includes(other),
  )
  return missing.map((other) => ({
    code: 'dependentRequired',
    pointer: `${part.pointer}/dependentRequired/${escapePointerToken(name)}`,
    demand: `the member \`${other}\` must be there where \`${name}\` is`,
  }))
}

/** All names that an object can have, if one of the schemas closes it. */
function closedNames(facts: readonly SchemaNode[]): readonly string[] | undefined {
  const closing = facts.find(
    (fact) =>
      member(fact.schema, 'additionalProperties') === false && keysBelow(fact, 'patternProperties').length === 0,
  )
  return (
    closing &&
    keysBelow(closing, 'properties').filter((name) => member(member(closing.schema, 'properties'), name) !== false)
  )
}

function memberGaps({ facts, part, check }: Demand): readonly Gap[] {
  const ownNames = keysBelow(part, 'properties')
  const patterns = keysBelow(part, 'patternProperties')
  const names = new Set([...ownNames, ...facts.flatMap((fact) => keysBelow(fact, 'properties'))])
  const gaps: Gap[] = []
  for (const name of names) {
    const known = membersNamed(facts, name, check)
    for (const demanded of membersOf(part, name, check)) {
      for (const gap of check.gapsBelow(known, demanded)) gaps.push(gap)
    }
  }
  // Names that no schema of either side spells out.
  for (const pattern of patterns) {
    const demanded = below(part, 'patternProperties', pattern)
    const known = facts.flatMap((fact) => below(fact, 'patternProperties', pattern) ?? membersUnnamed(fact, []))
    if (demanded) gaps.push(...check.gapsBelow(known, demanded))
  }
  const rest = below(part, 'additionalProperties')
  if (rest)
    gaps.push(
      ...check.gapsBelow(
        facts.flatMap((fact) => membersUnnamed(fact, patterns)),
        rest,
      ),
    )
  return gaps
}

function membersNamed(facts: readonly SchemaNode[], name: string, check: InclusionCheck): readonly SchemaNode[] {
  return facts.flatMap((fact) => membersOf(fact, name, check))
}

/** The schemas that one schema object holds for the member of this name. */
function membersOf(node: SchemaNode, name: string, check: InclusionCheck): readonly SchemaNode[] {
  const own = below(node, 'properties', name)
  const matching = keysBelow(node, 'patternProperties')
    .filter((pattern) => check.fits({ pattern }, name) === undefined)
    .flatMap((pattern) => below(node, 'patternProperties', pattern) ?? [])
  const found = own ? [own, ...matching] : matching
  return found.length > 0 ? found : [below(node, 'additionalProperties') ?? []].flat()
}

const eitherOf = new WeakMap<object, Map<string, SchemaNode>>()

/** What a schema object says of members that it does not name and that match none of the excluded patterns. */
function membersUnnamed(node: SchemaNode, excluded: readonly string[]): readonly SchemaNode[] {
  const rest = below(node, 'additionalProperties')
  const patterns = keysBelow(node, 'patternProperties').filter((pattern) => !excluded.includes(pattern))
  if (!rest || patterns.length === 0 || !isSchemaObject(node.schema)) return rest ? [rest] : []
  // Such a name matches one of the patterns, or none: one of their schemas holds.
  const made = eitherOf.get(node.schema) ?? new Map<string, SchemaNode>()
  eitherOf.set(node.schema, made)
  const key = JSON.stringify(patterns)
  const anyOf = [rest.schema, ...patterns.map((pattern) => member(member(node.schema, 'patternProperties'), pattern))]
  const either = made.get(key) ?? { ...rest, schema: { anyOf } }
  made.set(key, either)
  return [either]
}

function nameGaps({ facts, part, check }: Demand, closed: readonly string[] | undefined): readonly Gap[] {
  const demanded = below(part, 'propertyNames')
  if (!demanded) return []
  const given = facts.flatMap((fact) => below(fact, 'propertyNames') ?? [])
  const text = { type: 'string' }
  const anyName: SchemaNode = { schema: text, document: text, pointer: '' }
  const gaps = check.gapsBelow([anyName, ...given], demanded)
  if (gaps.length === 0 || !closed) return gaps
  return closed.flatMap((name) => {
    const schema = { const: name }
    return check.gapsBelow([{ schema, document: schema, pointer: '' }, ...given], demanded)
  })
}
