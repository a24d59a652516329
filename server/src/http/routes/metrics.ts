import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { ProblemError } from '../../lib/problems.ts'
import type { HttpParts } from '../http-parts.ts'
import { problemResponses } from '../problem-responses.ts'

/** The text format of Prometheus. */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Numbers of the whole process. They name no company and no address, so whoever reaches the port may read them, unless the
 * operator gave a key: how much goes through a business is sometimes nobody else's affair.
 */
export function metrics({ metricsText, metricsKey }: HttpParts): FastifyPluginAsyncTypebox {
  const digest = metricsKey === undefined ? undefined : hash('sha256', `Bearer ${metricsKey}`, 'buffer')
  return async (app) => {
    app.get(
      '/metrics',
      {
        config: { public: true },
        onRequest: (request, _reply, next) => {
          const given = hash('sha256', request.headers.authorization ?? '', 'buffer')
          if (!digest || timingSafeEqual(given, digest)) next()
          else next(new ProblemError('unauthenticated', 'Send the key for metrics as authorization: Bearer <key>'))
        },
        schema: {
          operationId: 'metrics',
          tags: ['operations'],
          summary: 'Numbers for Prometheus',
          description:
            'Needs no key. (The server may be started with one, `DAYBOOK_METRICS_KEY`.) About this process and the whole ' +
            'database; no company, no subscription and no address is named.',
          security: [],
          response: {
            200: {
              description: 'The text format of Prometheus',
              content: { 'text/plain': { schema: Type.String() } },
            },
            ...problemResponses('unauthenticated'),
          },
        },
      },
      async (_request, reply) => await reply.type(METRICS_TYPE).send(await metricsText()),
    )
  }
}
