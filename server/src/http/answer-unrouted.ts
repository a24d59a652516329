import type { FastifyInstance } from 'fastify'
import { ProblemError } from '../lib/problems.ts'
import { keepRouteTable } from './route-table.ts'

/**
 * Requests that no route takes: 404, or 405 with `allow` where other methods would do; `OPTIONS` is told the methods. It is
 * told before a body is looked at, which nobody would read.
 */
export function answerUnrouted(app: FastifyInstance): void {
  const table = keepRouteTable(app)
  app.addHook('onRequest', (request, reply, next) => {
    if (!request.is404) return next()
    const [path = ''] = request.url.split('?', 1)
    const methods = table.methodsOf(path)
    if (methods.length === 0) return next(new ProblemError('not_found', 'No such route'))
    reply.header('allow', [...methods, 'OPTIONS'].join(', '))
    if (request.method === 'OPTIONS') return void reply.code(204).send()
    next(new ProblemError('method_not_allowed', `The route takes ${methods.join(', ')}`))
  })
}
