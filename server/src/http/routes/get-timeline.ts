import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { orderQuery } from '../../contract/event.ts'
import { pageQuery, timeQuery } from '../../contract/page.ts'
import { Timeline, timelineQuery } from '../../contract/timeline.ts'
import { asCompany } from '../../db/transaction.ts'
import { readTimeline } from '../../events/timeline/read-timeline.ts'
import { principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'
import { sendJsonText } from '../send-json-text.ts'
import { timeOf, timeRangeOf } from '../time-range-query.ts'
import { timelineJson } from '../timeline-answer.ts'

const Query = Type.Object(
  { ...timelineQuery, ...pageQuery, ...timeQuery, ...orderQuery },
  { additionalProperties: false },
)

export function getTimeline({ pools, clock }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/timeline',
      {
        config: { scope: 'events:read' },
        schema: {
          operationId: 'getTimeline',
          tags: ['events'],
          summary: "Read an entity's story, the oldest event first",
          description:
            'Scope: `events:read`. Go on while there is a `next_cursor`. Correlations are followed from the 500 events about the entity on either side of where a page begins.',
          querystring: Query,
          response: {
            200: Timeline.ref,
            ...problemResponses(...keyProblems, 'invalid_request', 'invalid_cursor', 'invalid_time'),
          },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const { query } = request
        const entity = { type: query.entity_type, id: query.entity_id }
        const at = timeOf('at', query.at, clock.now())
        const startMs = clock.elapsed()
        const wanted = {
          ...timeRangeOf(query, clock.now()),
          entity,
          at,
          includeRelated: query.include_related ?? false,
          order: query.order ?? 'asc',
          limit: query.limit,
          cursor: query.cursor,
        }
        const timeline = await asCompany(pools.api, companyId, (db) =>
          readTimeline(db, companyId, wanted, () => clock.elapsed() - startMs),
        )
        return await sendJsonText(reply, timelineJson(timeline, entity, at))
      },
    )
  }
}
