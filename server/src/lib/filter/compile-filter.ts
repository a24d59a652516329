/**
 * The filter language of subscriptions: JSON in, closures out. docs/filters.md is its reference.
 *
 * Asking a compiled filter never throws, for any JSON, and runs no code of a filter or a payload: own properties are
 * read and compared. Its time has a bound, whatever the filter and the payload are: filter-limits.ts bounds what is saved,
 * and purse.ts what one question may cost.
 */
import type { Fault } from '../problems.ts'
import { allOf, anyOf, everyEntry, existence, not, pathPart, someEntry, valuePart } from './condition.ts'
import type { Condition, FilterFailure, Origin, Part } from './condition.ts'
import { eventFieldNames, isEventField, isIdField } from './event-fields.ts'
import type { FilteredEvent } from './event-fields.ts'
import { filterLimits, findExcess } from './filter-limits.ts'
import { parsePath, pointerTo, showPath } from './filter-path.ts'
import { withinPurse } from './purse.ts'
import { textOperators, valueOperators } from './value-tests.ts'

export interface CompiledFilter {
  readonly ok: true
  /** Whether `matches` needs the payload; without it, `payload` may be left undefined. */
  readonly readsPayload: boolean
  readonly judge: (event: FilteredEvent) => FilterVerdict
  /** Whether the event is to be sent: it is wanted, or it cannot be said within the purse. */
  readonly matches: (event: FilteredEvent) => boolean
  /**
   * The conditions that fail; empty exactly where `matches` is true. Of an alternative, those of every branch. Those that were
   * found within a purse; where none was, one that stands for the whole filter (pointer and path empty, operator `$all`).
   */
  readonly explain: (event: FilteredEvent) => readonly FilterFailure[]
}

export type FilterVerdict = 'wanted' | 'unwanted' | 'too_costly'

export interface RefusedFilter {
  readonly ok: false
  /** In the order of the filter; one alone where the filter breaks a limit of size. */
  readonly faults: readonly Fault[]
}

export function compileFilter(json: unknown): CompiledFilter | RefusedFilter {
  const excess = findExcess(json)
  if (excess) return { ok: false, faults: [excess] }
  const reading: Reading = { faults: [], readsPayload: false }
  const condition = readFilter(reading, json)
  if (reading.faults.length > 0) return { ok: false, faults: reading.faults }
  return { ok: true, readsPayload: reading.readsPayload, ...asFilter(condition, json) }
}

function asFilter({ holds, explain }: Condition, json: unknown): Pick<CompiledFilter, 'judge' | 'matches' | 'explain'> {
  const matches = (event: FilteredEvent): boolean => withinPurse(holds, event) !== false
  return {
    judge: (event) => {
      const isWanted = withinPurse(holds, event)
      if (isWanted === undefined) return 'too_costly'
      return isWanted ? 'wanted' : 'unwanted'
    },
    matches,
    explain: (event) => {
      const failures: FilterFailure[] = []
      if (matches(event)) return failures
      withinPurse((asked) => explain(asked, failures), event)
      if (failures.length === 0) {
        failures.push({ pointer: '', path: '', operator: '$all', expected: json, found: 'object' })
      }
      return failures
    },
  }
}

interface Reading {
  readonly faults: Fault[]
  readsPayload: boolean
}

/** A value of the filter: where it stands, and the keys that lead from the event to what it judges. */
interface Place {
  readonly pointer: string
  readonly keys: readonly string[]
}

const everything: Condition = { holds: () => true, explain: () => {} }

function readFilter(reading: Reading, json: unknown): Condition {
  if (isObject(json) && Object.keys(json).length === 0) return everything
  return readCondition(reading, { pointer: '', keys: [] }, json)
}

/** Notes what is wrong and goes on, so that all faults are found; what it gives then is not used. */
function readCondition(reading: Reading, place: Place, json: unknown): Condition {
  if (isObject(json)) return readObject(reading, place, json)
  if (!judgesValue(place)) {
    return refuse(reading, place.pointer, 'not_an_object', 'An object of paths and conditions stands here')
  }
  if (Array.isArray(json)) {
    const message = 'A list could mean any or all of its entries: write { "$in": […] } or { "$all": […] }'
    return refuse(reading, place.pointer, 'ambiguous_list', message)
  }
  return someEntry(originOf(place, '$eq', json), [readValuePart(reading, place, '$eq', json, false)])
}

function readObject(reading: Reading, place: Place, json: Readonly<Record<string, unknown>>): Condition {
  const entries = Object.entries(json)
  if (entries.length === 0) return refuse(reading, place.pointer, 'empty_condition', 'There is no condition in here')
  const ignoreCase = readIgnoreCase(reading, place, json)
  const parts: Part[] = []
  const conditions: Condition[] = []
  for (const [key, operand] of entries) {
    const at: Place = { pointer: pointerTo(place.pointer, key), keys: place.keys }
    if (key === '$ignore_case') continue
    if (!key.startsWith('$') || key === '$event' || key.startsWith('$event.')) {
      parts.push(readPathPart(reading, at, key, operand))
    } else if (valueOperators.has(key) && judgesValue(place)) {
      parts.push(readValuePart(reading, at, key, operand, ignoreCase))
    } else {
      conditions.push(readOperator(reading, at, key, operand))
    }
  }
  if (parts.length > 0) conditions.unshift(someEntry(originOf(place, '$same_entry', json), parts))
  return allOf(conditions)
}

/** The event as a whole, and its fields as a whole, are no values to compare. */
function judgesValue({ keys }: Place): boolean {
  return keys.length > 1 || keys[0] === 'payload'
}

function readPathPart(reading: Reading, place: Place, written: string, operand: unknown): Part {
  const steps = readSteps(reading, place, written)
  // Behind a path that is none the conditions are still read, for their own faults.
  const keys = steps === undefined ? ['payload'] : [...place.keys, ...steps]
  if (keys[0] === 'payload') reading.readsPayload = true
  return pathPart(steps ?? [], readCondition(reading, { pointer: place.pointer, keys }, operand))
}

/** The keys from where `place` is to where the path leads; from the event they begin with `fields` or `payload`. */
function readSteps(reading: Reading, { pointer, keys }: Place, written: string): readonly string[] | undefined {
  const isField = written.startsWith('$event')
  if (isField && keys.length > 0) {
    refuse(reading, pointer, 'misplaced_operator', '$event stands outside of paths')
    return undefined
  }
  const inner = isField ? parseFieldPath(written) : parsePath(written)
  if (inner === undefined) {
    const message = 'A path is keys with dots between; keys that hold a dot or begin with $ need a JSON pointer: /a.b'
    refuse(reading, pointer, 'invalid_path', message)
    return undefined
  }
  const steps = keys.length > 0 ? inner : [isField ? 'fields' : 'payload', ...inner]
  const all = [...keys, ...steps]
  if (all.length - 1 > filterLimits.pathKeys) {
    refuse(reading, pointer, 'invalid_path', `A path has at most ${filterLimits.pathKeys} keys`)
    return undefined
  }
  if (all[0] === 'fields' && !isEventField(all)) {
    refuse(reading, pointer, 'unknown_event_field', `The fields of an event are ${eventFieldNames}`)
    return undefined
  }
  return steps
}

/** Of `$event` and `$event.source`. */
function parseFieldPath(written: string): readonly string[] | undefined {
  if (written === '$event') return []
  const path = written.slice('$event.'.length)
  return path === '' ? undefined : parsePath(path)
}

function readValuePart(reading: Reading, place: Place, operator: string, json: unknown, ignoreCase: boolean): Part {
  const build = valueOperators.get(operator)
  if (build === undefined) return refuse(reading, place.pointer, 'unknown_operator', unknownOperator(operator))
  const test = build({
    json,
    pointer: place.pointer,
    ignoreCase,
    isId: isIdField(place.keys),
    refuse: (pointer, code, message) => refuse(reading, pointer, code, message),
  })
  return valuePart(originOf(place, operator, json), test)
}

function readOperator(reading: Reading, place: Place, operator: string, operand: unknown): Condition {
  const origin = originOf(place, operator, operand)
  switch (operator) {
    case '$not':
      return not(origin, readCondition(reading, place, operand))
    case '$any':
      return anyOf(readAlternatives(reading, place, operator, operand))
    case '$all':
      return allOf(readAlternatives(reading, place, operator, operand))
    default:
  }
  if (!judgesValue(place) && (valueOperators.has(operator) || operator === '$exists' || operator === '$every')) {
    return refuse(reading, place.pointer, 'misplaced_operator', `${operator} stands in the condition of a path`)
  }
  switch (operator) {
    case '$every':
      return everyEntry(origin, readCondition(reading, place, operand))
    case '$exists':
      if (typeof operand === 'boolean') return existence(origin, operand)
      return refuse(reading, place.pointer, 'invalid_operand', '$exists takes true or false')
    default:
      return refuse(reading, place.pointer, 'unknown_operator', unknownOperator(operator))
  }
}

function readAlternatives(reading: Reading, place: Place, operator: string, operand: unknown): Condition[] {
  if (!Array.isArray(operand)) {
    return [refuse(reading, place.pointer, 'invalid_operand', `${operator} takes a list of conditions`)]
  }
  if (operand.length === 0) {
    return [refuse(reading, place.pointer, 'empty_list', `${operator} takes at least one condition`)]
  }
  return operand.map((json: unknown, index) =>
    readCondition(reading, { pointer: pointerTo(place.pointer, index), keys: place.keys }, json),
  )
}

function readIgnoreCase(reading: Reading, place: Place, json: Readonly<Record<string, unknown>>): boolean {
  if (!Object.hasOwn(json, '$ignore_case')) return false
  const pointer = pointerTo(place.pointer, '$ignore_case')
  const flag = json['$ignore_case']
  if (typeof flag !== 'boolean') {
    refuse(reading, pointer, 'invalid_operand', '$ignore_case takes true or false')
  } else if (!Object.keys(json).some((key) => textOperators.has(key))) {
    refuse(reading, pointer, 'misplaced_operator', `$ignore_case stands beside ${[...textOperators].join(', ')}`)
  }
  return flag === true
}

/** How other systems write what is meant. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ['$or', '$any'],
  ['$and', '$all'],
  ['$ne', '$not'],
  ['$neq', '$not'],
  ['$nin', '{ "$not": { "$in": […] } }'],
  ['$nor', '{ "$not": { "$any": […] } }'],
  ['$exist', '$exists'],
  ['$startsWith', '$starts_with'],
  ['$endsWith', '$ends_with'],
  ['$elemMatch', 'an object of conditions, which one entry has to fulfil'],
])

function unknownOperator(operator: string): string {
  const instead = otherNames.get(operator)
  if (instead !== undefined) return `There is no such operator; write ${instead}`
  return 'There is no such operator; a key that begins with $ is written as a JSON pointer: /$key'
}

function originOf({ pointer, keys }: Place, operator: string, expected: unknown): Origin {
  return { pointer, path: showPath(keys), operator, expected }
}

function refuse({ faults }: Reading, pointer: string, code: string, message: string): Condition {
  faults.push({ pointer, code, message })
  return everything
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
