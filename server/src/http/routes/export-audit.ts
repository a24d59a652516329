import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { recordExport } from '../../audit/record-export.ts'
import { formatQuery, orderQuery, trailQuery } from '../../contract/event.ts'
import { timeQuery } from '../../contract/page.ts'
import { exportEvents } from '../../events/export-events.ts'
import { authorOf, principalOf } from '../access.ts'
import { auditTexts } from '../audit-export.ts'
import { eventFilterOf, trailQueryProblems } from '../event-query.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'
import { exportResponse, sendExport } from '../send-export.ts'

const Query = Type.Object(
  { ...formatQuery, ...timeQuery, ...trailQuery, ...orderQuery },
  { additionalProperties: false },
)

export function exportAudit({ pools, clock, onRecorded, logger }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/audit/export',
      {
        config: { scope: 'audit:read' },
        schema: {
          operationId: 'exportAudit',
          tags: ['audit'],
          summary: 'Export the audit trail as NDJSON or CSV, the oldest entry first',
          description:
            'Scope: `audit:read`. Like the export of events; that it was asked for is an event itself, `daybook.audit.exported`.',
          querystring: Query,
          response: { 200: exportResponse, ...problemResponses(...keyProblems, ...trailQueryProblems) },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const { query } = request
        const { format = 'ndjson', order = 'asc' } = query
        const filter = eventFilterOf(query, clock.now())
        const pages = exportEvents(pools.api, companyId, { filter, order, fields: undefined, tests: {} })
        return await sendExport(request, reply, {
          format,
          name: 'audit',
          texts: auditTexts(pages, format),
          onBegin: async () => {
            await recordExport(pools.api, companyId, authorOf(request, clock), query)
            onRecorded()
          },
          logger,
        })
      },
    )
  }
}
