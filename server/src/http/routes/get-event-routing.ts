import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { IdPath } from '../../contract/fields.ts'
import { page, pageQuery } from '../../contract/page.ts'
import { RoutingExplanation } from '../../contract/routing.ts'
import { asCompany } from '../../db/transaction.ts'
import { getEvent } from '../../events/get-event.ts'
import { explainRouting } from '../../webhooks/explain-routing.ts'
import { principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function getEventRouting({ pools }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/:id/routing',
      {
        config: { scope: 'events:read' },
        schema: {
          operationId: 'getEventRouting',
          tags: ['events'],
          summary: 'Explain to whom an event was sent',
          description:
            "Scope: `events:read`. Each subscription as it was at the event's position, in the order of their ids. Empty " +
            'until the event is routed. A page may be shorter than asked for while there are more: `next_cursor` says so.',
          params: IdPath,
          querystring: Type.Object(pageQuery, { additionalProperties: false }),
          response: {
            200: page(RoutingExplanation.ref),
            ...problemResponses(...keyProblems, 'invalid_request', 'invalid_cursor', 'not_found'),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const { explanations, nextCursor } = await asCompany(pools.api, companyId, async (db) => {
          const event = await getEvent(db, companyId, request.params.id)
          return await explainRouting(db, companyId, event, request.query)
        })
        return { data: explanations, next_cursor: nextCursor }
      },
    )
  }
}
