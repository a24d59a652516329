import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { trailQuery } from '../../contract/event.ts'
import { EventFacets } from '../../contract/event-facets.ts'
import { timeQuery } from '../../contract/page.ts'
import { asCompany } from '../../db/transaction.ts'
import { countFacets } from '../../events/event-facets.ts'
import { principalOf } from '../access.ts'
import { eventFilterOf, trailQueryProblems } from '../event-query.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function getEventFacets({ pools, clock }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/facets',
      {
        config: { scope: 'events:read' },
        schema: {
          operationId: 'getEventFacets',
          tags: ['events'],
          summary: 'Count names, entity types, actors and sources of events',
          description:
            'Scope: `events:read`. Over the newest events of the range, up to 20,000; `is_complete` says whether that was all.',
          querystring: Type.Object({ ...timeQuery, ...trailQuery }, { additionalProperties: false }),
          response: { 200: EventFacets.ref, ...problemResponses(...keyProblems, ...trailQueryProblems) },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const filter = eventFilterOf(request.query, clock.now())
        return await reply.send(await asCompany(pools.api, companyId, (db) => countFacets(db, companyId, filter)))
      },
    )
  }
}
