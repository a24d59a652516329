import { Type } from 'typebox'
import type { TSchema } from 'typebox'
import { Problem } from '../contract/problem.ts'
import type { ProblemCode } from '../lib/problems.ts'
import { problems } from '../lib/problems.ts'
import { PROBLEM_TYPE } from './problem-document.ts'

/** A response of the OpenAPI document. */
export interface DescribedResponse {
  readonly description: string
  readonly content: Readonly<Record<string, { readonly schema: TSchema }>>
  readonly headers?: Readonly<Record<string, TSchema>>
}

/**
 * The refusals that a route may answer with beside what every route may: named by code, described by status. A route that
 * asks for a key is limited.
 */
export function problemResponses(...codes: readonly ProblemCode[]): Record<number, DescribedResponse> {
  const limited: readonly ProblemCode[] = codes.includes('unauthenticated') ? ['rate_limited'] : []
  const all: readonly ProblemCode[] = [...codes, ...limited, 'internal_error', 'unavailable', 'shutting_down']
  const byStatus = Map.groupBy(new Set(all), (code) => problems[code].status)
  const responses: Record<number, DescribedResponse> = {}
  for (const [status, group] of byStatus) {
    responses[status] = {
      description: group.map((code) => `\`${code}\`: ${problems[code].title}`).join('. '),
      content: { [PROBLEM_TYPE]: { schema: Problem.ref } },
      ...(status === 429 && { headers: limitHeaders }),
    }
  }
  return responses
}

const limitHeaders = {
  'Retry-After': Type.Integer({ description: 'Seconds until a request will be taken' }),
  'RateLimit-Policy': Type.String({
    description: 'The limit: a burst of `q`, refilled within `w` seconds (draft-ietf-httpapi-ratelimit-headers)',
    examples: ['"key";q=2000;w=2'],
  }),
  RateLimit: Type.String({ description: 'What is left: `r` now, all after `t` seconds', examples: ['"key";r=0;t=2'] }),
}

/** What a route behind a key may refuse with before it looks at anything. */
export const keyProblems = ['unauthenticated', 'forbidden'] as const satisfies readonly ProblemCode[]

/** What a route that starts a job over deliveries may refuse with. */
export const bulkProblems = [
  'count_changed',
  'job_limit',
  'count_required',
  'job_too_large',
  'invalid_event_name',
  'invalid_time',
] as const satisfies readonly ProblemCode[]

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
