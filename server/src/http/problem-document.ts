import type { FastifyReply } from 'fastify'
import type { ProblemError } from '../lib/problems.ts'
import { problems } from '../lib/problems.ts'

export const PROBLEM_TYPE = 'application/problem+json'

/** The JSON text of an RFC 9457 problem document. */
function problemDocument(problem: ProblemError, requestId: string): string {
  const { status, title } = problems[problem.code]
  return JSON.stringify({
    type: 'about:blank',
    title,
    status,
    code: problem.code,
    detail: problem.message,
    ...(problem.faults.length > 0 && { errors: problem.faults }),
    request_id: requestId,
  })
}

/** Answers with the problem and the headers that its status asks for. */
export function sendProblem(reply: FastifyReply, problem: ProblemError): void {
  const { status } = problems[problem.code]
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  if (status === 503) reply.header('retry-after', '1')
  reply.code(status).header('content-type', PROBLEM_TYPE)
  // As bytes: to a text Fastify would add a charset, which this type does not have.
  void reply.send(Buffer.from(problemDocument(problem, reply.request.id)))
}
