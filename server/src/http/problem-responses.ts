import type { TSchema } from 'typebox'
import { Problem } from '../contract/problem.ts'
import type { ProblemCode } from '../lib/problems.ts'
import { problems } from '../lib/problems.ts'
import { PROBLEM_TYPE } from './problem-document.ts'

/** A response of the OpenAPI document. */
export interface DescribedResponse {
  readonly description: string
  readonly content: Readonly<Record<string, { readonly schema: TSchema }>>
}

/** The refusals that a route may answer with beside what every route may: named by code, described by status. */
export function problemResponses(...codes: readonly ProblemCode[]): Record<number, DescribedResponse> {
  const all: readonly ProblemCode[] = [...codes, 'internal_error', 'unavailable', 'shutting_down']
  const byStatus = Map.groupBy(new Set(all), (code) => problems[code].status)
  const responses: Record<number, DescribedResponse> = {}
  for (const [status, group] of byStatus) {
    responses[status] = {
      description: group.map((code) => `\`${code}\`: ${problems[code].title}`).join('. '),
      content: { [PROBLEM_TYPE]: { schema: Problem.ref } },
    }
  }
  return responses
}

/** What a route behind a key may refuse with before it looks at anything. */
export const keyProblems = ['unauthenticated', 'forbidden'] as const satisfies readonly ProblemCode[]

/** What a route that reads a body may refuse with. */
export const bodyProblems = [
  'malformed_json',
  'duplicate_key',
  'nesting_too_deep',
  'unstorable_text',
  'invalid_request',
  'body_too_large',
  'unsupported_media_type',
] as const satisfies readonly ProblemCode[]
