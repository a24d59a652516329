import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { page, pageQuery, timeQuery } from '../../contract/page.ts'
import { webhookLogQuery, WebhookLogSummary } from '../../contract/webhook-log.ts'
import { asCompany } from '../../db/transaction.ts'
import { listWebhookLogs as list } from '../../webhooks/read-logs.ts'
import { principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'
import { queryId } from '../query-id.ts'
import { timeRangeOf } from '../time-range-query.ts'

const Query = Type.Object({ ...pageQuery, ...timeQuery, ...webhookLogQuery }, { additionalProperties: false })

export function listWebhookLogs({ pools, clock }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/webhook-logs',
      {
        config: { scope: 'deliveries:read' },
        schema: {
          operationId: 'listWebhookLogs',
          tags: ['deliveries'],
          summary: 'List attempts and endings, newest first',
          description:
            'Scope: `deliveries:read`. Go on while there is a `next_cursor`: where few rows fit, a page can be shorter than its limit, even empty.',
          querystring: Query,
          response: {
            200: page(WebhookLogSummary.ref),
            ...problemResponses(
              ...keyProblems,
              'invalid_request',
              'invalid_cursor',
              'invalid_time',
              'invalid_event_name',
            ),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const { query } = request
        const filter = {
          ...timeRangeOf(query, clock.now()),
          subscription_id: queryId(query, 'subscription_id'),
          event_id: queryId(query, 'event_id'),
          delivery_id: queryId(query, 'delivery_id'),
          event_name: query.event_name,
          outcome: query.outcome,
          status_class: query.status_class,
          response_status: query.response_status,
          reason: query.reason,
          is_test: query.is_test,
        }
        const { logs, nextCursor } = await asCompany(pools.api, companyId, (db) =>
          list(db, companyId, filter, { limit: query.limit, cursor: query.cursor }),
        )
        return { data: [...logs], next_cursor: nextCursor }
      },
    )
  }
}
