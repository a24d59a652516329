import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Event, eventQuery } from '../../contract/event.ts'
import { page, pageQuery, timeQuery } from '../../contract/page.ts'
import { asCompany } from '../../db/transaction.ts'
import type { EventFilter } from '../../events/list-events.ts'
import { listEvents as list } from '../../events/list-events.ts'
import { ProblemError } from '../../lib/problems.ts'
import { principalOf } from '../access.ts'
import { eventPageJson } from '../event-answers.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'
import { sendJsonText } from '../send-json-text.ts'
import { timeRangeOf } from '../time-range-query.ts'

const Query = Type.Object({ ...pageQuery, ...timeQuery, ...eventQuery }, { additionalProperties: false })

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
          description: 'Scope: `events:read`. A page may be shorter than its limit and still have a next one.',
          querystring: Query,
          response: {
            200: page(Event.ref),
            ...problemResponses(
              ...keyProblems,
              'invalid_request',
              'invalid_cursor',
              'invalid_event_name',
              'invalid_entity',
              'invalid_time',
            ),
          },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const { limit, cursor, order } = request.query
        const filter = filterOf(request.query, clock.now())
        const { events, nextCursor } = await asCompany(pools.api, companyId, (db) =>
          list(db, companyId, filter, { limit, cursor, order }),
        )
        return await sendJsonText(reply, eventPageJson(events, nextCursor))
      },
    )
  }
}

function filterOf(query: Static<typeof Query>, nowMs: number): EventFilter {
  return {
    ...timeRangeOf(query, nowMs),
    event_names: query.event_names?.flatMap((names) => names.split(',')),
    entity: pair('entity', query.entity_type, query.entity_id),
    include_related: query.include_related,
    actor: pair('actor', query.actor_type, query.actor_id),
    correlation_id: query.correlation_id,
  }
}

function pair(
  noun: string,
  type: string | undefined,
  id: string | undefined,
): { type: string; id: string } | undefined {
  if (type !== undefined && id !== undefined) return { type, id }
  if (type === undefined && id === undefined) return undefined
  const message = `${noun}_type and ${noun}_id come together`
  const pointer = `/${noun}_${type === undefined ? 'type' : 'id'}`
  throw new ProblemError('invalid_entity', `${pointer}: ${message}`, [{ pointer, code: 'invalid_entity', message }])
}
