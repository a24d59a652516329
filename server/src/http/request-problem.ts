import type { ErrorObject } from 'ajv'
import { toFaults } from '../events/schema-faults.ts'
import { ProblemError } from '../lib/problems.ts'
import type { Fault } from '../lib/problems.ts'

const places: Readonly<Record<string, string>> = {
  body: 'The body',
  querystring: 'The query',
  params: 'The path',
  headers: 'The headers',
}

/** What Ajv found wrong with one part of a request, as the problem `invalid_request`. Messages hold nothing that was sent. */
export function requestProblem(part: string, errors: readonly ErrorObject[]): ProblemError {
  const faults = toFaults(errors).map(inWordsOfRequests)
  const place = places[part] ?? part
  const [first] = faults
  if (!first) return new ProblemError('invalid_request', `${place} does not have the form this route takes`)
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more, see errors)` : ''
  const at = first.pointer === '' ? place : `${place} at ${first.pointer}`
  return new ProblemError('invalid_request', `${at}: ${first.message}${more}`, faults)
}

/** The messages were written for payloads and their definitions. */
function inWordsOfRequests(fault: Fault): Fault {
  return { ...fault, message: messages[fault.code] ?? fault.message }
}

const messages: Readonly<Record<string, string>> = {
  additionalProperties: 'Is not a member that this route knows',
  anyOf: 'Does not have one of the forms that this route takes',
  enum: 'Is not one of the values that this route knows',
}
