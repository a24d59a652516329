/**
 * A schema that a company wrote, JSON Schema 2020-12, as a function that lists what is wrong with a payload: the same answers
 * as `compile-schema.ts` gives, but within bounds whatever the schema and the payload are. It does not make code; see
 * `judging.ts` for what bounds it, `schema-limits.ts` for what is not taken at all.
 */
import type { Fault } from '../lib/problems.ts'
import { NOT_JUDGED } from './compile-schema.ts'
import type { ValidatePayload } from './compile-schema.ts'
import { Judging, ListIsFull, OutOfSteps, Seen, STEPS_MAX } from './judging.ts'
import type { Check } from './judging.ts'
import { arrayChecks, unevaluatedItemsCheck } from './judging-of-arrays.ts'
import { choiceChecks } from './judging-of-choices.ts'
import { objectChecks, unevaluatedPropertiesCheck } from './judging-of-objects.ts'
import { plainChecks } from './judging-of-plain-values.ts'
import { SCHEMA_FAULTS_MAX, toFaults } from './schema-faults.ts'
import { resolveReference, rootNode } from './schema-node.ts'
import type { SchemaNode } from './schema-node.ts'

/**
 * For schemas that {@link checkSchemaLimits} has no faults in; throws at a pattern that RE2 does not know. The function it
 * gives does not throw. Whether a payload fits is decided first; only when it does not, its faults are listed, 50 at most.
 */
export function compileCustomSchema(schema: unknown): ValidatePayload {
  const check = compileNode(rootNode(schema), new Map())
  return (payload) => {
    try {
      if (check(payload, undefined, new Judging(STEPS_MAX), undefined)) return noFaults
    } catch (error) {
      if (error instanceof OutOfSteps) return tooCostly
      throw error
    }
    const judging = new Judging(STEPS_MAX / 2, SCHEMA_FAULTS_MAX)
    try {
      check(payload, undefined, judging, undefined)
    } catch (error) {
      if (!(error instanceof OutOfSteps || error instanceof ListIsFull)) throw error
    }
    return judging.violations.length > 0 ? toFaults(judging.violations) : tooCostlyToList
  }
}

const noFaults: readonly Fault[] = Object.freeze([])

const tooCostly = notJudged('Comparing this payload with its definition takes too long')
const tooCostlyToList = notJudged('Does not fit its definition; to find where takes too long')

function notJudged(message: string): readonly Fault[] {
  return Object.freeze([{ pointer: '', code: NOT_JUDGED, message }])
}

/** Each schema is compiled once, however often it is referred to. */
function compileNode(node: SchemaNode, compiled: Map<unknown, Check>): Check {
  const known = compiled.get(node.schema)
  if (known) return known
  const check = node.schema === false ? refuse : node.schema === true ? accept : compileObject(node, compiled)
  compiled.set(node.schema, check)
  return check
}

const accept: Check = (_value, _place, judging) => {
  judging.pay(1)
  return true
}

const refuse: Check = (_value, place, judging) => judging.violation(place, 'false schema')

function compileObject(node: SchemaNode, compiled: Map<unknown, Check>): Check {
  const compile = (one: SchemaNode) => compileNode(one, compiled)
  const target = resolveReference(node)
  const last = [unevaluatedItemsCheck(node, compile), unevaluatedPropertiesCheck(node, compile)]
  const checks = [
    ...plainChecks(node.schema),
    ...(target ? [compile(target)] : []),
    ...choiceChecks(node, compile),
    ...arrayChecks(node, compile),
    ...objectChecks(node, compile),
    ...last.filter((one) => one !== undefined),
  ]
  const watches = last.some((one) => one !== undefined)
  const steps = 1 + 2 * checks.length
  return (value, place, judging, above) => {
    judging.pay(steps)
    const seen = watches ? new Seen() : above
    let fits = true
    for (const check of checks) {
      if (check(value, place, judging, seen)) continue
      if (!judging.lists) return false
      fits = false
    }
    if (watches && seen && above) above.addAll(seen, judging)
    return fits
  }
}
