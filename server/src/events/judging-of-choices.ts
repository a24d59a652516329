import { Seen } from './judging.ts'
import type { Check, Judging } from './judging.ts'
import { below, keysBelow, listBelow, member } from './schema-node.ts'
import type { SchemaNode } from './schema-node.ts'

type Compile = (node: SchemaNode) => Check

/** What the keywords ask that apply further schemas to the same value. */
export function choiceChecks(node: SchemaNode, compile: Compile): readonly Check[] {
  return [
    ...listBelow(node, 'allOf').map(compile),
    ...anyOfChecks(node, compile),
    ...oneOfChecks(node, compile),
    ...notChecks(node, compile),
    ...conditionChecks(node, compile),
    ...dependentChecks(node, compile),
  ]
}

/** Whether a case fits; what it looked at counts only then. */
function holds(check: Check, value: unknown, judging: Judging, seen: Seen | undefined): boolean {
  const looked = seen && new Seen()
  if (!judging.fitsQuietly(check, value, looked)) return false
  if (looked) seen.addAll(looked, judging)
  return true
}

function anyOfChecks(node: SchemaNode, compile: Compile): readonly Check[] {
  const cases = listBelow(node, 'anyOf').map(compile)
  if (cases.length === 0) return []
  return [
    (value, place, judging, seen) => {
      // All of them where it matters what they look at.
      const fits = seen
        ? cases.filter((one) => holds(one, value, judging, seen)).length > 0
        : cases.some((one) => judging.fitsQuietly(one, value, undefined))
      if (fits || !judging.lists) return fits
      for (const one of cases) one(value, place, judging, undefined)
      return judging.violation(place, 'anyOf')
    },
  ]
}

function oneOfChecks(node: SchemaNode, compile: Compile): readonly Check[] {
  const cases = listBelow(node, 'oneOf').map(compile)
  if (cases.length === 0) return []
  return [
    (value, place, judging, seen) => {
      let fitting = 0
      for (const one of cases) if (fitting < 2 && holds(one, value, judging, seen)) fitting++
      if (fitting === 1 || !judging.lists) return fitting === 1
      if (fitting === 0) for (const one of cases) one(value, place, judging, undefined)
      return judging.violation(place, 'oneOf')
    },
  ]
}

function notChecks(node: SchemaNode, compile: Compile): readonly Check[] {
  const excluded = below(node, 'not')
  if (!excluded) return []
  const check = compile(excluded)
  return [(value, place, judging) => !judging.fitsQuietly(check, value, undefined) || judging.violation(place, 'not')]
}

function conditionChecks(node: SchemaNode, compile: Compile): readonly Check[] {
  const [when, then, otherwise] = ['if', 'then', 'else'].map((keyword) => below(node, keyword))
  if (!when) return []
  const [whenCheck, thenCheck, elseCheck] = [compile(when), then && compile(then), otherwise && compile(otherwise)]
  return [
    (value, place, judging, seen) => {
      const check = holds(whenCheck, value, judging, seen) ? thenCheck : elseCheck
      return check?.(value, place, judging, seen) ?? true
    },
  ]
}

function dependentChecks(node: SchemaNode, compile: Compile): readonly Check[] {
  return keysBelow(node, 'dependentSchemas').flatMap((name) => {
    const dependent = below(node, 'dependentSchemas', name)
    if (!dependent) return []
    const check = compile(dependent)
    const applies = (value: unknown) => !Array.isArray(value) && member(value, name) !== undefined
    return [(value, place, judging, seen) => !applies(value) || check(value, place, judging, seen)] satisfies Check[]
  })
}
