import type { Check, Judging } from './judging.ts'
import { below, isSchemaObject, keysBelow, member, textsOf } from './schema-node.ts'
import type { SchemaNode, SchemaObject } from './schema-node.ts'
import type { SchemaPatterns } from './schema-patterns.ts'

type Compile = (node: SchemaNode) => Check

/** What the keywords of objects ask; `unevaluatedProperties` is for the end, when all others have looked. Own members only. */
export function objectChecks(node: SchemaNode, compile: Compile, patterns: SchemaPatterns): readonly Check[] {
  return [
    ...countChecks(node),
    ...presenceChecks(node),
    ...nameChecks(node, compile),
    ...memberChecks(node, compile, patterns),
  ]
}

type Rest = Parameters<Check> extends [unknown, ...infer Others] ? Others : never

function ofObjects(check: (object: SchemaObject, ...rest: Rest) => boolean): Check {
  return (value, ...rest) => !isSchemaObject(value) || check(value, ...rest)
}

/** Listing the names of an object takes time for each. */
function paidKeys(object: SchemaObject, judging: Judging): readonly string[] {
  const keys = Object.keys(object)
  judging.pay(keys.length * KEY_STEPS)
  return keys
}

/** In an object of many thousand members; a small one is read much faster. */
const KEY_STEPS = 10

function countChecks({ schema }: SchemaNode): readonly Check[] {
  return ['minProperties', 'maxProperties'].flatMap((keyword) => {
    const limit = member(schema, keyword)
    if (typeof limit !== 'number') return []
    const keeps = (count: number) => (keyword === 'minProperties' ? count >= limit : count <= limit)
    return ofObjects(
      (object, place, judging) =>
        keeps(paidKeys(object, judging).length) || judging.violation(place, keyword, { limit }),
    )
  })
}

function presenceChecks(node: SchemaNode): readonly Check[] {
  const required = textsOf(member(node.schema, 'required'))
  const always = required.length > 0 ? [presenceCheck(required)] : []
  const dependent = keysBelow(node, 'dependentRequired').map((property) => {
    const needed = textsOf(member(member(node.schema, 'dependentRequired'), property))
    const check = presenceCheck(needed, property)
    return ofObjects((object, ...rest) => !Object.hasOwn(object, property) || check(object, ...rest))
  })
  return [...always, ...dependent]
}

function presenceCheck(names: readonly string[], property?: string): Check {
  const keyword = property === undefined ? 'required' : 'dependentRequired'
  return ofObjects((object, place, judging) => {
    let fits = true
    for (const missingProperty of names) {
      judging.pay(1)
      if (Object.hasOwn(object, missingProperty)) continue
      fits = judging.violation(place, keyword, { missingProperty, property })
      if (!judging.lists) return false
    }
    return fits
  })
}

function nameChecks(node: SchemaNode, compile: Compile): readonly Check[] {
  const names = below(node, 'propertyNames')
  if (!names) return []
  const check = compile(names)
  return [
    ofObjects((object, place, judging) => {
      let fits = true
      for (const name of paidKeys(object, judging)) {
        if (judging.fitsAsName(check, name, place)) continue
        if (!judging.lists) return false
        fits = false
      }
      return fits
    }),
  ]
}

/** `properties`, `patternProperties` and `additionalProperties`: one walk over the members that are there. */
function memberChecks(node: SchemaNode, compile: Compile, patterns: SchemaPatterns): readonly Check[] {
  const named = new Map(
    keysBelow(node, 'properties').flatMap((name) => {
      const found = below(node, 'properties', name)
      return found ? [[name, compile(found)] as const] : []
    }),
  )
  const patterned = keysBelow(node, 'patternProperties').flatMap((pattern) => {
    const found = below(node, 'patternProperties', pattern)
    return found ? [{ pattern: patterns.compile(pattern), check: compile(found) }] : []
  })
  const others = below(node, 'additionalProperties')
  const other = others && compile(others)
  if (named.size === 0 && patterned.length === 0 && !other) return []
  return [
    ofObjects((object, place, judging, seen) => {
      let fits = true
      const judge = (check: Check, name: string) => {
        if (!check(object[name], judging.below(place, name), judging, undefined)) fits = false
      }
      for (const name of paidKeys(object, judging)) {
        const own = named.get(name)
        let isKnown = own !== undefined
        if (own) judge(own, name)
        for (const { pattern, check } of patterned) {
          if (!judging.matches(pattern, name)) continue
          isKnown = true
          judge(check, name)
        }
        if (!isKnown && others?.schema === false) {
          fits = judging.violation(place, 'additionalProperties', { additionalProperty: name })
        } else if (!isKnown && other) {
          judge(other, name)
        }
        if (isKnown || other) seen?.addName(name, judging)
        if (!fits && !judging.lists) return false
      }
      return fits
    }),
  ]
}

export function unevaluatedPropertiesCheck(node: SchemaNode, compile: Compile): Check | undefined {
  const left = below(node, 'unevaluatedProperties')
  if (!left) return undefined
  const check = compile(left)
  return ofObjects((object, place, judging, seen) => {
    let fits = true
    for (const name of paidKeys(object, judging)) {
      if (seen?.hasName(name)) continue
      seen?.addName(name, judging)
      const keeps =
        left.schema === false
          ? judging.violation(place, 'unevaluatedProperties', { unevaluatedProperty: name })
          : check(object[name], judging.below(place, name), judging, undefined)
      if (keeps) continue
      if (!judging.lists) return false
      fits = false
    }
    return fits
  })
}
