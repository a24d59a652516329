import type { FastifyInstance } from 'fastify'
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
