import type { FastifyInstance } from 'fastify'
import { ProblemError } from '../lib/problems.ts'

/**
 * How the interface stops. `app.close()` refuses new connections, ends idle ones at once, and resolves when every request
 * that was begun has its answer; each such answer closes its connection. A request that still comes in over a connection
 * in use gets 503 `shutting_down`. It waits for the slowest request, so whoever calls it sets a limit of its own.
 *
 * The publisher has to live until then: requests wait for its commits.
 */
export function stopGracefully(app: FastifyInstance): void {
  let isStopping = false
  app.addHook('preClose', (done) => {
    isStopping = true
    done()
  })
  app.addHook('onRequest', (_request, _reply, next) => {
    next(isStopping ? new ProblemError('shutting_down', 'Try again; another process may answer already') : undefined)
  })
  app.addHook('onSend', (_request, reply, _payload, next) => {
    if (isStopping) reply.header('connection', 'close')
    next()
  })
}
