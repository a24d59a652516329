import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Stats, statsQuery } from '../../contract/stats.ts'
import { asCompany } from '../../db/transaction.ts'
import { readStats } from '../../webhooks/stats/read-stats.ts'
import { statsSpan } from '../../webhooks/stats/stats-span.ts'
import { principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'
import { queryId } from '../query-id.ts'
import { timeRangeOf } from '../time-range-query.ts'

const Query = Type.Object(statsQuery, { additionalProperties: false })

export function getStats({ pools, clock }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/stats',
      {
        config: { scope: 'events:read' },
        schema: {
          operationId: 'getStats',
          tags: ['events'],
          summary: 'Count events and how they were delivered, by time',
          description:
            'Scope: `events:read`. The 24 hours until now when no time is given; what is given is widened to whole buckets. Counted within seconds. Tests are never counted.',
          querystring: Query,
          response: {
            200: Stats.ref,
            ...problemResponses(...keyProblems, 'invalid_request', 'invalid_event_name', 'invalid_time'),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const { query } = request
        const nowMs = clock.now()
        const span = statsSpan(timeRangeOf(query, nowMs), query.bucket ?? 'auto', nowMs)
        const filter = {
          event_names: query.event_names?.flatMap((names) => names.split(',')),
          subscription_id: queryId(query, 'subscription_id'),
        }
        return await asCompany(pools.api, companyId, (db) => readStats(db, companyId, span, filter))
      },
    )
  }
}
