import type { FastifyInstance } from 'fastify'
import { ProblemError } from '../lib/problems.ts'
import { keepRouteTable } from './route-table.ts'

/** Requests that no route takes: 404, or 405 with `allow` where other methods would do; `OPTIONS` is told the methods. */
export function answerUnrouted(app: FastifyInstance): void {
  const table = keepRouteTable(app)
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?', 1)
    const methods = table.methodsOf(path)
    if (methods.length === 0) throw new ProblemError('not_found', 'No such route')
    reply.header('allow', [...methods, 'OPTIONS'].join(', '))
    if (request.method === 'OPTIONS') return reply.code(204).send()
    throw new ProblemError('method_not_allowed', `The route takes ${methods.join(', ')}`)
  })
}
