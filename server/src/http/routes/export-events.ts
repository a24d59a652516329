import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { eventQuery, fieldsQuery, formatQuery, orderQuery } from '../../contract/event.ts'
import { timeQuery } from '../../contract/page.ts'
import { exportEvents as readAll } from '../../events/export-events.ts'
import { principalOf } from '../access.ts'
import { eventTexts } from '../event-export.ts'
import { chosenFieldsOf, eventFilterOf, eventTestsOf, trailQueryProblems } from '../event-query.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'
import { exportResponse, sendExport } from '../send-export.ts'

const Query = Type.Object(
  { ...formatQuery, ...timeQuery, ...eventQuery, ...orderQuery, ...fieldsQuery },
  { additionalProperties: false },
)

export function exportEvents({ pools, clock, logger }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/export',
      {
        config: { scope: 'events:read' },
        schema: {
          operationId: 'exportEvents',
          tags: ['events'],
          summary: 'Export all events of a filter as NDJSON or CSV, the oldest first',
          description:
            'Scope: `events:read`. Each event once, up to the newest one of when it began. In CSV a text that a spreadsheet would run has an apostrophe in front. When it fails on the way the connection is cut without the end of the chunked encoding: no complete answer is an incomplete export.',
          querystring: Query,
          response: {
            200: exportResponse,
            ...problemResponses(...keyProblems, ...trailQueryProblems, 'invalid_filter'),
          },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const { query } = request
        const { format = 'ndjson', order = 'asc' } = query
        const filter = eventFilterOf(query, clock.now())
        const fields = chosenFieldsOf(query)
        const pages = readAll(pools.api, companyId, { filter, order, fields, tests: eventTestsOf(query) })
        const texts = eventTexts(pages, format, fields)
        return await sendExport(request, reply, { format, name: 'events', texts, logger })
      },
    )
  }
}
