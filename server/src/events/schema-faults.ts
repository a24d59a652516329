import type { ErrorObject } from 'ajv'
import { escapePointerToken } from '../lib/json-pointer.ts'
import type { Fault } from '../lib/problems.ts'

/** Further faults of one payload are not listed. */
export const SCHEMA_FAULTS_MAX = 50

/** A longer pointer, which only a very long key can make, is cut to the last object on the way that it can name. */
const POINTER_LENGTH_MAX = 1_000

/** What both validators tell of one: Ajv's, and our own for schemas that companies write. */
export type Violation = Pick<ErrorObject, 'instancePath' | 'keyword' | 'params' | 'propertyName'>

/**
 * Violations as faults for people. The code is the keyword that failed. A pointer may name keys of the payload; a message
 * holds nothing of it, only what the schema says.
 */
export function toFaults(errors: readonly Violation[]): readonly Fault[] {
  const faults: Fault[] = []
  for (const [index, error] of errors.entries()) {
    if (isRepetition(error, errors[index - 1])) continue
    if (faults.length === SCHEMA_FAULTS_MAX) break
    faults.push({
      pointer: shorten(pointerOf(error)),
      code: codes[error.keyword] ?? error.keyword,
      message: messageOf(error),
    })
  }
  return faults
}

/** Ajv's word for a schema that is `false` is no keyword. */
const codes: Readonly<Record<string, string>> = { 'false schema': 'not' }

/** Whether it only says again that the faults listed before it are faults. */
function isRepetition({ keyword, params }: Violation, before: Violation | undefined): boolean {
  if (keyword === 'propertyNames') return before?.propertyName === params['propertyName']
  return keyword === 'if'
}

/** A missing member is named by the place where it should stand, a member too many or ill-named by its own. */
function pointerOf({ instancePath, keyword, params, propertyName }: Violation): string {
  if (propertyName !== undefined) return `${instancePath}/${escapePointerToken(propertyName)}`
  const member = memberParameters[keyword]
  const name: unknown = member === undefined ? undefined : params[member]
  return typeof name === 'string' ? `${instancePath}/${escapePointerToken(name)}` : instancePath
}

const memberParameters: Readonly<Record<string, string>> = {
  required: 'missingProperty',
  dependentRequired: 'missingProperty',
  additionalProperties: 'additionalProperty',
  unevaluatedProperties: 'unevaluatedProperty',
  propertyNames: 'propertyName',
}

function shorten(pointer: string): string {
  if (pointer.length <= POINTER_LENGTH_MAX) return pointer
  return pointer.slice(0, pointer.lastIndexOf('/', POINTER_LENGTH_MAX))
}

function messageOf(error: Violation): string {
  const message = messages[error.keyword]?.(error.params) ?? 'Does not fit the definition'
  return error.propertyName === undefined ? message : `The name of this member: ${message}`
}

type Parameters = ErrorObject['params']

const messages: Readonly<Record<string, (parameters: Parameters) => string>> = {
  required: () => 'Is missing',
  dependentRequired: ({ property }) => `Is missing: it is needed where ${property} is given`,
  type: ({ type }) => `Must be of type ${[type].flat().join(' or ')}`,
  enum: ({ allowedValues }) => `Must be one of ${listed(allowedValues)}`,
  const: ({ allowedValue }) => `Must be ${JSON.stringify(allowedValue)}`,
  format: ({ format }) => `Must be a ${format}${formatHints[format] ?? ''}`,
  pattern: ({ pattern }) => `Must match the pattern ${pattern}`,
  minLength: ({ limit }) => `Must have at least ${count(limit, 'character')}`,
  maxLength: ({ limit }) => `Must have at most ${count(limit, 'character')}`,
  minimum: ({ limit }) => `Must be at least ${limit}`,
  maximum: ({ limit }) => `Must be at most ${limit}`,
  exclusiveMinimum: ({ limit }) => `Must be greater than ${limit}`,
  exclusiveMaximum: ({ limit }) => `Must be less than ${limit}`,
  multipleOf: ({ multipleOf }) => `Must be a multiple of ${multipleOf}`,
  minItems: ({ limit }) => `Must have at least ${count(limit, 'item')}`,
  maxItems: ({ limit }) => `Must have at most ${count(limit, 'item')}`,
  uniqueItems: () => 'Must not have an item twice',
  contains: ({ minContains }) =>
    `Must have at least ${count(minContains, 'item')} of the kind that the definition asks for`,
  minProperties: ({ limit }) => `Must have at least ${count(limit, 'member')}`,
  maxProperties: ({ limit }) => `Must have at most ${count(limit, 'member')}`,
  additionalProperties: () => 'Is not a member that the definition knows',
  unevaluatedProperties: () => 'Is not a member that the definition knows',
  propertyNames: () => 'Has a name that the definition does not allow',
  anyOf: () => 'Must have one of the forms that the definition allows',
  oneOf: () => 'Must have exactly one of the forms that the definition allows',
  'false schema': () => 'Must not be given',
  not: () => 'Has a form that the definition excludes',
}

const formatHints: Readonly<Record<string, string>> = {
  'date-time': ' with an offset, as in RFC 3339: 2026-03-01T09:30:00+01:00',
  date: ' as in RFC 3339: 2026-03-01',
  uri: ' with its scheme: https://example.com/path',
}

function count(limit: number, noun: string): string {
  return limit === 1 ? `1 ${noun}` : `${limit} ${noun}s`
}

const LISTED_MAX = 20

function listed(values: readonly unknown[]): string {
  const texts = values.slice(0, LISTED_MAX).map((value) => JSON.stringify(value))
  return values.length > LISTED_MAX ? `${texts.join(', ')} and ${values.length - LISTED_MAX} more` : texts.join(', ')
}
