import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { statement } from '../../db/statement.ts'
import { ProblemError } from '../../lib/problems.ts'
import type { HttpParts } from '../http-parts.ts'
import { problemResponses } from '../problem-responses.ts'

const ping = statement<[], { answer: number }>('readyz.ping', 'select 1 as answer')

const ANSWER_MS_MAX = 2_000

export function readyz({ pools, clock, isReady }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/readyz',
      {
        config: { public: true },
        schema: {
          operationId: 'readyz',
          tags: ['operations'],
          summary: 'Whether requests should be sent here',
          description: 'Needs no key. Asks the database, for two seconds at most.',
          security: [],
          response: {
            200: Type.Object({ status: Type.Literal('ready') }, { description: 'They should' }),
            ...problemResponses(),
          },
        },
      },
      async () => {
        if (!isReady()) throw new ProblemError('unavailable', 'The server is starting or stopping')
        const enough = new AbortController()
        const late = clock.sleep(ANSWER_MS_MAX, enough.signal).then(() => {
          throw new ProblemError('unavailable', `The database did not answer within ${ANSWER_MS_MAX} ms`)
        })
        const answered = ping(pools.api)
        await Promise.race([answered, late]).finally(() => enough.abort())
        return { status: 'ready' as const }
      },
    )
  }
}
