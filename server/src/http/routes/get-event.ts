import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { EventWithDeliveries } from '../../contract/event.ts'
import { IdPath } from '../../contract/fields.ts'
import { asCompany } from '../../db/transaction.ts'
import { getEvent as get } from '../../events/get-event.ts'
import { readLinks } from '../../events/linked-events.ts'
import { explainRouting } from '../../webhooks/explain-routing.ts'
import { deliveriesOfEvent } from '../../webhooks/read-deliveries.ts'
import { principalOf } from '../access.ts'
import { eventWithJson } from '../event-answers.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'
import { sendJsonText } from '../send-json-text.ts'

export function getEvent({ pools }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/:id',
      {
        config: { scope: 'events:read' },
        schema: {
          operationId: 'getEvent',
          tags: ['events'],
          summary: 'Get an event and what became of it',
          description: 'Scope: `events:read`. Found from the moment its publish was answered.',
          params: IdPath,
          response: { 200: EventWithDeliveries.ref, ...problemResponses(...keyProblems, 'not_found') },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const text = await asCompany(pools.api, companyId, async (db) => {
          const event = await get(db, companyId, request.params.id)
          const deliveries = await deliveriesOfEvent(db, companyId, event.id)
          const { explanations, nextCursor } = await explainRouting(db, companyId, event, {})
          const links = await readLinks(db, companyId, event)
          const routing = { routing: explanations, routing_next_cursor: nextCursor }
          return eventWithJson(event, { deliveries, ...routing, ...links })
        })
        return await sendJsonText(reply, text)
      },
    )
  }
}
