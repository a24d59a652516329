import { fastify } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { components } from '../contract/components.ts'
import { guardRoutes } from './access.ts'
import { errorAnswerer } from './answer-errors.ts'
import { answerMalformed } from './answer-malformed.ts'
import { answerUnrouted } from './answer-unrouted.ts'
import { describeApi } from './describe-api.ts'
import { stopGracefully } from './graceful-stop.ts'
import type { HttpParts } from './http-parts.ts'
import { readJsonBodies } from './json-body.ts'
import { logRequests } from './request-log.ts'
import { apiRoutes, rootRoutes } from './routes.ts'
import { createStreams } from './create-streams.ts'
import { addSecurityHeaders, setSecurityHeaders } from './security-headers.ts'
import { serverOptions } from './server-options.ts'
import { TestWebhooks } from './test-webhooks.ts'
import { createValidatorCompiler } from './validate-request.ts'

export const BASE_PATH = '/api/v1'

/**
 * The HTTP interface, ready to `listen`. A request passes, in this order: headers of the answer, refusal while stopping,
 * the key of its route, the body's reader, the form of its parts, the route. {@link stopGracefully} says what `close` does.
 */
export async function buildApp(parts: HttpParts): Promise<FastifyInstance> {
  const loggerInstance: FastifyBaseLogger = parts.logger
  const answerError = errorAnswerer(parts.logger)
  const app = fastify({
    ...serverOptions,
    loggerInstance,
    childLoggerFactory: (logger) => logger, // lines of ours carry the request's id themselves
    clientErrorHandler: answerMalformed,
    frameworkErrors: (error, request, reply) => {
      setSecurityHeaders(request, reply)
      answerError(error, request, reply)
    },
  })
  // Routes and plugins take over what stands when they are registered, so all of this comes first.
  app.setErrorHandler(answerError)
  app.setValidatorCompiler(createValidatorCompiler(components))
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer)) // response schemas describe; answers are built by hand
  readJsonBodies(app)
  addSecurityHeaders(app)
  logRequests(app, parts.logger)
  stopGracefully(app)
  guardRoutes(app, parts)
  answerUnrouted(app)
  await describeApi(app, parts.version)
  const streams = createStreams(parts)
  parts.watchStreams?.(() => streams.stats())
  app.addHook('preClose', async () => await streams.stop())
  const shared = { ...parts, tests: new TestWebhooks(parts), streams }
  for (const route of rootRoutes) await app.register(route(shared))
  for (const route of apiRoutes) await app.register(route(shared), { prefix: BASE_PATH })
  await app.ready()
  return app
}
