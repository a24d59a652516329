import type { FastifyRequest } from 'fastify'
import { ProblemError } from '../lib/problems.ts'
import { parseTraceParent } from '../lib/trace-context.ts'
import type { Tracer } from '../lib/tracer.ts'

/**
 * Runs a publish as part of the trace that the request names. What is published keeps the `traceparent` that `work` is given:
 * that of our own span where spans are recorded, else the request's.
 */
export async function inPublishTrace<Result>(
  tracer: Tracer | undefined,
  request: FastifyRequest,
  work: (traceParent: string | undefined) => Promise<Result>,
): Promise<Result> {
  const parent = parseTraceParent(request.headers['traceparent'])
  if (!tracer) return await work(parent)
  const span = tracer.begin('publish', parent, { 'http.request.method': 'POST', 'daybook.request_id': request.id })
  try {
    const result = await work(span.traceParent)
    span.end({})
    return result
  } catch (error) {
    span.end({}, error instanceof ProblemError ? error.code : 'internal_error')
    throw error
  }
}
