import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Event, EventPart, eventQuery, fieldsQuery, orderQuery } from '../../contract/event.ts'
import { page, pageQuery, timeQuery } from '../../contract/page.ts'
import { asCompany } from '../../db/transaction.ts'
import { listEvents as list } from '../../events/list-events.ts'
import { principalOf } from '../access.ts'
import { eventPageJson } from '../event-answers.ts'
import { chosenFieldsOf, eventFilterOf, eventTestsOf, trailQueryProblems } from '../event-query.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'
import { sendJsonText } from '../send-json-text.ts'

const Query = Type.Object(
  { ...pageQuery, ...timeQuery, ...eventQuery, ...orderQuery, ...fieldsQuery },
  { additionalProperties: false },
)

export function listEvents({ pools, clock }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events',
      {
        config: { scope: 'events:read' },
        schema: {
          operationId: 'listEvents',
          tags: ['events'],
          summary: 'List events by position, newest first',
          description:
            'Scope: `events:read`. Go on while there is a `next_cursor`: a page looks at 10,000 events (500 with `filter` or `delivery`) or for two seconds at most, so where few fit it can be shorter than its limit, even empty.',
          querystring: Query,
          response: {
            200: page(Type.Union([Event.ref, EventPart.ref])),
            ...problemResponses(...keyProblems, ...trailQueryProblems, 'invalid_cursor', 'invalid_filter'),
          },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const { query } = request
        const { limit, cursor, order } = query
        const filter = eventFilterOf(query, clock.now())
        const tests = eventTestsOf(query)
        const fields = chosenFieldsOf(query)
        const startMs = clock.elapsed()
        const elapsedMs = (): number => clock.elapsed() - startMs
        const { events, nextCursor } = await asCompany(pools.api, companyId, (db) =>
          list(db, companyId, filter, { limit, cursor, order, fields }, tests, elapsedMs),
        )
        return await sendJsonText(reply, eventPageJson(events, nextCursor, fields))
      },
    )
  }
}
