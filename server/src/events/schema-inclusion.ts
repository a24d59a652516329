/**
 * Whether every value that fits one schema fits another, by comparing the schemas.
 *
 * The answer is on the safe side: no gap means that there is no such value, a gap means that there may be one. A schema is
 * taken apart into the keywords that must hold together (`unfold`); each one that is demanded must follow from those that are
 * given. Where keywords offer a choice on the given side, each choice is looked at by itself.
 *
 * Recursive schemas: a pair met again further down in the value is taken for granted. A value is finite, so this is induction
 * over its depth. Met again at the same place it proves nothing and counts as undecided.
 */
import { arrayGaps } from './inclusion-of-arrays.ts'
import { objectGaps } from './inclusion-of-objects.ts'
import { plainGaps } from './inclusion-of-plain-values.ts'
import type { Demand, Gap, InclusionCheck } from './inclusion-check.ts'
import { haveSameMeaning } from './same-meaning.ts'
import {
  below,
  canonicalText,
  isSchemaObject,
  listBelow,
  member,
  resolveReference,
  textsOf,
  unfold,
} from './schema-node.ts'
import type { SchemaNode } from './schema-node.ts'
import { createPlainFits } from './plain-fits.ts'
import { allowedTypes, listedValues } from './schema-types.ts'

/** Together they keep the check below a second or so; past them the answer is `undecided`. */
const STEPS_MAX = 5_000
const DEPTH_MAX = 48

export function findGaps(given: SchemaNode, demanded: SchemaNode): readonly Gap[] {
  const walk = createWalk()
  const unique = new Map(walk.gaps([given], demanded).map((gap) => [`${gap.code} ${gap.pointer}`, gap]))
  return [...unique.values()]
}

function createWalk(): InclusionCheck {
  const ids = new Map<unknown, number>()
  const open = new Map<string, number>()
  let [steps, depth, descents] = [0, 0, 0]

  const idOf = ({ schema }: SchemaNode): number => {
    const id = ids.get(schema) ?? ids.size
    ids.set(schema, id)
    return id
  }

  function gaps(given: readonly SchemaNode[], demanded: SchemaNode): readonly Gap[] {
    if (demanded.schema === true) return []
    if (++steps > STEPS_MAX || depth > DEPTH_MAX)
      return [undecided(demanded, 'is too large or too deep to be compared')]
    const facts = unfold(given)
    if (facts.some(({ schema }) => schema === false)) return []
    const key = `${facts
      .map(idOf)
      .toSorted((a, b) => a - b)
      .join()}<${idOf(demanded)}`
    const metAt = open.get(key)
    if (metAt !== undefined) {
      return metAt < descents ? [] : [undecided(demanded, 'refers to itself')]
    }
    open.set(key, descents)
    depth++
    try {
      return unfold([demanded]).flatMap((part) => partGaps(facts, part))
    } finally {
      open.delete(key)
      depth--
    }
  }

  const check: InclusionCheck = {
    gaps,
    gapsBelow(given, demanded) {
      descents++
      try {
        return gaps(given, demanded)
      } finally {
        descents--
      }
    },
    fits: createPlainFits(),
  }

  function partGaps(facts: readonly SchemaNode[], part: SchemaNode): readonly Gap[] {
    if (facts.some((fact) => haveSameMeaning(fact, part))) return []
    const types = allowedTypes(facts)
    if (types.size === 0) return []
    if (part.schema === false) return [{ code: 'not', pointer: part.pointer, demand: 'nothing may stand here' }]
    const demand: Demand = { facts, types, part, check }
    const found = [...plainGaps(demand), ...arrayGaps(demand), ...objectGaps(demand), ...combinationGaps(demand)]
    if (found.length === 0) return found
    if (undecidable.some((keyword) => member(part.schema, keyword) !== undefined)) return found
    const cases = splitCases(facts)
    return cases ? cases.flatMap((one) => gaps(one, withoutFolds(part))) : found
  }

  return check
}

function undecided({ pointer }: SchemaNode, reason: string): Gap {
  return { code: 'undecided', pointer, demand: `this place ${reason}` }
}

/** The demand at one schema without what `unfold` has already taken out of it. */
function withoutFolds(part: SchemaNode): SchemaNode {
  return without(without(part, 'allOf'), '$ref')
}

/** The first choice among the given schemas, as one list of schemas for each of its cases. */
function splitCases(facts: readonly SchemaNode[]): readonly (readonly SchemaNode[])[] | undefined {
  const values = listedValues(facts)
  if (values && values.length > 1 && values.length <= 64) {
    return values.map((value) => [...facts.map((fact) => without(fact, 'enum')), valueNode(value)])
  }
  if (values?.length === 1 && !facts.some(({ schema }) => member(schema, 'const') !== undefined)) {
    return [[...facts.map((fact) => without(fact, 'enum')), valueNode(values[0])]]
  }
  for (const fact of facts) {
    for (const keyword of ['anyOf', 'oneOf']) {
      const branches = listBelow(fact, keyword)
      if (branches.length === 0) continue
      const others = facts.map((one) => (one === fact ? without(one, keyword) : one))
      return branches.map((branch) => [...others, branch])
    }
  }
  for (const fact of facts) {
    const types = member(fact.schema, 'type')
    if (!Array.isArray(types) || types.length < 2 || member(fact.schema, 'nullable') !== undefined) continue
    const others = facts.map((one) => (one === fact ? without(one, 'type') : one))
    return types.map((type: unknown) => [...others, typeNode(type)])
  }
  return undefined
}

function typeNode(type: unknown): SchemaNode {
  const schema = { type }
  return { schema, document: schema, pointer: '' }
}

function valueNode(value: unknown): SchemaNode {
  const schema = { const: value }
  return { schema, document: schema, pointer: '' }
}

const shortened = new WeakMap<object, Map<string, unknown>>()

/**
 * The same object each time, so that a pair of schemas is known when it is met again. What a choice took out of the sight of
 * `unevaluated…` is unknown then, so they go with it.
 */
function without(node: SchemaNode, keyword: string): SchemaNode {
  if (!isSchemaObject(node.schema) || member(node.schema, keyword) === undefined) return node
  const made = shortened.get(node.schema) ?? new Map<string, unknown>()
  shortened.set(node.schema, made)
  const { [keyword]: _left, unevaluatedProperties: _properties, unevaluatedItems: _items, ...rest } = node.schema
  const schema = made.get(keyword) ?? rest
  made.set(keyword, schema)
  return { ...node, schema }
}

const conditionKeywords = ['if', 'then', 'else']

const undecidable = ['$dynamicRef', '$recursiveRef', 'dependencies', 'id', 'unevaluatedProperties', 'unevaluatedItems']

function combinationGaps({ facts, types, part, check }: Demand): Gap[] {
  const gaps: Gap[] = []
  const unclear = (keyword: string, reason: string) => {
    if (
      facts.some((fact) =>
        haveSameMeaning(fact, part, conditionKeywords.includes(keyword) ? conditionKeywords : [keyword]),
      )
    )
      return
    gaps.push({ code: 'undecided', pointer: `${part.pointer}/${keyword}`, demand: `\`${keyword}\` ${reason}` })
  }
  for (const keyword of undecidable) {
    const value = member(part.schema, keyword)
    if (value === undefined || value === true) continue
    gaps.push({
      code: 'undecided',
      pointer: `${part.pointer}/${keyword}`,
      demand: `\`${keyword}\` cannot be compared unless the whole schema around it stays the same`,
    })
  }
  if (member(part.schema, '$ref') !== undefined && !resolveReference(part)) {
    unclear('$ref', 'is not a plain pointer into the schema')
  }
  const covers = (given: readonly SchemaNode[], demanded: SchemaNode) => check.gaps(given, demanded).length === 0
  const anyOf = listBelow(part, 'anyOf')
  if (anyOf.length > 0 && !anyOf.some((branch) => covers(facts, branch)))
    unclear('anyOf', 'has no case that surely holds')
  const oneOf = listBelow(part, 'oneOf')
  if (oneOf.length > 0) {
    const holds = oneOf.some(
      (branch) =>
        covers(facts, branch) && oneOf.every((other) => other === branch || areDisjoint([...facts], [other], 0)),
    )
    if (!holds) unclear('oneOf', 'has no case that surely holds while all others do not')
  }
  const not = below(part, 'not')
  if (not && !areDisjoint(facts, [not], 0)) {
    const excluded = facts.flatMap((fact) => below(fact, 'not') ?? [])
    if (!excluded.some((one) => covers([not], one))) unclear('not', 'may be touched')
  }
  const [when, then, otherwise] = [below(part, 'if'), below(part, 'then'), below(part, 'else')]
  if (when && then && !areDisjoint(facts, [when], 0) && !covers([...facts, when], then)) {
    unclear('then', 'does not surely hold where `if` does')
  }
  if (when && otherwise && !covers(facts, otherwise) && !covers(facts, when)) {
    unclear('else', 'does not surely hold where `if` does not')
  }
  if (types.has('object')) {
    for (const name of Object.keys(member(part.schema, 'dependentSchemas') ?? {})) {
      const dependent = below(part, 'dependentSchemas', name)
      const schema = { required: [name] }
      const present: SchemaNode = { schema, document: schema, pointer: '' }
      if (dependent && !covers([...facts, present], dependent)) unclear('dependentSchemas', 'may not hold')
    }
  }
  return gaps
}

/** Whether surely no value fits both: by type, by listed values, or by a member that one of them requires. */
function areDisjoint(a: readonly SchemaNode[], b: readonly SchemaNode[], depth: number): boolean {
  const all = unfold([...a, ...b])
  if (all.some(({ schema }) => schema === false)) return true
  const types = allowedTypes(all)
  if (types.size === 0) return true
  if (types.size > 1 || !types.has('object') || depth > 4) return false
  const values = all.map(({ schema }) => member(schema, 'const')).filter((value) => value !== undefined)
  if (new Set(values.map(canonicalText)).size > 1) return true
  const required = new Set(all.flatMap(({ schema }) => textsOf(member(schema, 'required'))))
  return [...required].some((name) => {
    const stands = all.flatMap((node) => below(node, 'properties', name) ?? [])
    return stands.length > 0 && areDisjoint(stands, [], depth + 1)
  })
}
