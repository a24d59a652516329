import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'

/**
 * One line per request: the route's pattern and never the URL, since ids in a path are data and a query may hold
 * anything; no header, no body.
 */
export function logRequests(app: FastifyInstance, logger: Logger): void {
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none'
    const ms = Math.round(reply.elapsedTime * 10) / 10
    logger.info({ method: request.method, route, status: reply.statusCode, ms, request_id: request.id }, 'request')
    done()
  })
}

/** A stream that its client closes is no response that was finished, so it has no line of {@link logRequests}; all have this one. */
export function logStreamEnd(logger: Logger, request: FastifyRequest, reply: FastifyReply, reason: string): void {
  const route = request.routeOptions.url ?? 'none'
  const ms = Math.round(reply.elapsedTime * 10) / 10
  logger.info({ route, ms, reason, request_id: request.id }, 'stream closed')
}
