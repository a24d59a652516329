/**
 * A schema that a company wrote, JSON Schema 2020-12, as a function that lists what is wrong with a payload: the same answers
 * as `compile-schema.ts` gives, but within bounds whatever the schema and the payload are. It does not make code; see
 * `judging.ts` for what bounds it, `schema-limits.ts` for what is not taken at all.
 */
import { ProblemError } from '../lib/problems.ts'
import type { Fault } from '../lib/problems.ts'
import { allowanceWithoutEnd, spend, STEPS_MAX } from './allowance.ts'
import type { Allowance } from './allowance.ts'
import { NOT_JUDGED } from './compile-schema.ts'
import type { ValidatePayload } from './compile-schema.ts'
import { Judging, ListIsFull, OutOfSteps, OutOfTime, Seen } from './judging.ts'
import type { Check } from './judging.ts'
import { arrayChecks, unevaluatedItemsCheck } from './judging-of-arrays.ts'
import { choiceChecks } from './judging-of-choices.ts'
import { objectChecks, unevaluatedPropertiesCheck } from './judging-of-objects.ts'
import { plainChecks } from './judging-of-plain-values.ts'
import { SCHEMA_FAULTS_MAX, toFaults } from './schema-faults.ts'
import { resolveReference, rootNode } from './schema-node.ts'
import type { SchemaNode } from './schema-node.ts'
import { SchemaPatterns } from './schema-patterns.ts'

/**
 * For schemas that {@link checkSchemaLimits} has no faults in; throws at a pattern that RE2 does not know. Whether a payload
 * fits is decided first; only when it does not, its faults are listed, 50 at most. The function it gives throws nothing but
 * the problem `too_busy`: when the time for patterns ends that its allowance has. Without an allowance that has no end.
 */
export function compileCustomSchema(schema: unknown): ValidatePayload {
  return compileMeasuredSchema(schema).validate
}

export interface MeasuredSchema {
  readonly validate: ValidatePayload
  /** What its patterns take in memory now. */
  patternBytes(): number
}

/** Like {@link compileCustomSchema}, for who keeps many. */
export function compileMeasuredSchema(schema: unknown): MeasuredSchema {
  const patterns = new SchemaPatterns()
  const check = compileNode(rootNode(schema), { patterns, checks: new Map() })
  patterns.shareMemory()
  return {
    validate(payload, allowance = allowanceWithoutEnd()) {
      const verdict = spend(allowance, STEPS_MAX, (part) => decide(check, payload, part))
      if (verdict === 'fits') return noFaults
      if (verdict === 'too costly') return allowance.stepsLeft < 0 ? tooCostlyTogether : tooCostly
      return spend(allowance, STEPS_MAX / 2, (part) => listFaults(check, payload, part))
    },
    patternBytes: () => patterns.bytes(),
  }
}

function decide(check: Check, payload: unknown, part: Allowance): 'fits' | 'does not fit' | 'too costly' {
  try {
    return check(payload, undefined, new Judging(part), undefined) ? 'fits' : 'does not fit'
  } catch (error) {
    if (error instanceof OutOfSteps) return 'too costly'
    if (error instanceof OutOfTime) throw new ProblemError('too_busy', 'Judging payloads took too long; try again')
    throw error
  }
}

function listFaults(check: Check, payload: unknown, part: Allowance): readonly Fault[] {
  const judging = new Judging(part, SCHEMA_FAULTS_MAX)
  try {
    check(payload, undefined, judging, undefined)
  } catch (error) {
    const isEnd = error instanceof OutOfSteps || error instanceof OutOfTime || error instanceof ListIsFull
    if (!isEnd) throw error
  }
  return judging.violations.length > 0 ? toFaults(judging.violations) : tooCostlyToList
}

const noFaults: readonly Fault[] = Object.freeze([])

const tooCostly = notJudged('Comparing this payload with its definition takes too long')
const tooCostlyTogether = notJudged(
  'Comparing the payloads of this request with their definitions takes too long; send fewer',
)
const tooCostlyToList = notJudged('Does not fit its definition; to find where takes too long')

function notJudged(message: string): readonly Fault[] {
  return Object.freeze([{ pointer: '', code: NOT_JUDGED, message }])
}

interface Compiled {
  readonly patterns: SchemaPatterns
  /** Each schema is compiled once, however often it is referred to. */
  readonly checks: Map<unknown, Check>
}

function compileNode(node: SchemaNode, compiled: Compiled): Check {
  const known = compiled.checks.get(node.schema)
  if (known) return known
  const check = node.schema === false ? refuse : node.schema === true ? accept : compileObject(node, compiled)
  compiled.checks.set(node.schema, check)
  return check
}

const accept: Check = (_value, _place, judging) => {
  judging.pay(1)
  return true
}

const refuse: Check = (_value, place, judging) => {
  judging.pay(1)
  return judging.violation(place, 'false schema')
}

function compileObject(node: SchemaNode, compiled: Compiled): Check {
  const compile = (one: SchemaNode) => compileNode(one, compiled)
  const target = resolveReference(node)
  const last = [unevaluatedItemsCheck(node, compile), unevaluatedPropertiesCheck(node, compile)]
  const checks = [
    ...plainChecks(node.schema, compiled.patterns),
    ...(target ? [compile(target)] : []),
    ...choiceChecks(node, compile),
    ...arrayChecks(node, compile),
    ...objectChecks(node, compile, compiled.patterns),
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
