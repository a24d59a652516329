import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { ProblemError } from '../lib/problems.ts'
import type { ProblemCode } from '../lib/problems.ts'
import { isDatabaseTrouble } from './database-trouble.ts'
import { sendProblem } from './problem-document.ts'

/**
 * The one place where an error becomes an answer. What is not known to be the caller's affair is logged and answered with
 * nothing but the request's id.
 */
export function errorAnswerer(logger: Logger): (error: unknown, request: FastifyRequest, reply: FastifyReply) => void {
  return (error, request, reply) => {
    const problem = toProblem(error)
    const facts = { request_id: request.id, method: request.method, route: request.routeOptions.url ?? 'none' }
    if (problem.code === 'internal_error') logger.error({ ...facts, err: error }, 'request failed')
    if (problem.code === 'unavailable') logger.warn({ ...facts, err: error }, 'database trouble')
    if (error instanceof ProblemError) keepConnection(request, reply)
    sendProblem(reply, problem)
  }
}

/**
 * Fastify closes the connection after every error while reading a body. Ours are thrown when it was read whole, so it goes
 * on where the caller did not ask for its end. (Removing the header would keep Node from answering that wish.)
 */
function keepConnection({ raw }: FastifyRequest, reply: FastifyReply): void {
  const wishesEnd = raw.httpVersion !== '1.1' || /\bclose\b/i.test(raw.headers.connection ?? '')
  if (!wishesEnd && reply.getHeader('connection') === 'close') reply.header('connection', 'keep-alive')
}

function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error
  const known = fastifyProblem(error)
  if (known) return new ProblemError(...known)
  if (isDatabaseTrouble(error))
    return new ProblemError('unavailable', 'The database does not answer; try again in a moment')
  return new ProblemError(
    'internal_error',
    'Something went wrong here; the log of the server says more under the request id',
  )
}

function fastifyProblem(error: unknown): readonly [ProblemCode, string] | undefined {
  if (!(error instanceof Error)) return undefined
  const code: unknown = Reflect.get(error, 'code')
  if (typeof code !== 'string') return undefined
  // Only a request whose body could not be read to its end has both; a broken connection to the database has no status.
  if (code === 'ECONNRESET' && Reflect.get(error, 'statusCode') === 400)
    return ['invalid_request', 'The body ended early']
  return fastifyProblems.get(code)
}

const fastifyProblems = new Map<string, readonly [ProblemCode, string]>([
  ['FST_ERR_CTP_BODY_TOO_LARGE', ['body_too_large', 'The body is larger than this route takes']],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', ['unsupported_media_type', 'Send the body as content-type: application/json']],
  ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', ['invalid_request', 'The body is not as long as content-length says']],
  ['FST_ERR_MAX_PARAM_LENGTH', ['not_found', 'No such route']],
  ['FST_ERR_BAD_URL', ['invalid_request', 'The path of the URL is not properly percent-encoded']],
])
