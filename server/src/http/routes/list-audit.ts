import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { auditEntryJson, toAuditEntry } from '../../audit/audit-entry.ts'
import { AuditEntry } from '../../contract/audit.ts'
import { orderQuery, trailQuery } from '../../contract/event.ts'
import { page, pageQuery, timeQuery } from '../../contract/page.ts'
import { asCompany } from '../../db/transaction.ts'
import { listEvents } from '../../events/list-events.ts'
import { principalOf } from '../access.ts'
import { eventFilterOf, trailQueryProblems } from '../event-query.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'
import { sendJsonText } from '../send-json-text.ts'

const Query = Type.Object({ ...pageQuery, ...timeQuery, ...trailQuery, ...orderQuery }, { additionalProperties: false })

export function listAudit({ pools, clock }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/audit',
      {
        config: { scope: 'audit:read' },
        schema: {
          operationId: 'listAudit',
          tags: ['audit'],
          summary: 'List who did what, newest first',
          description:
            'Scope: `audit:read`. Business events and those of Daybook itself; `event_names=daybook.*` for the latter alone. Go on while there is a `next_cursor`.',
          querystring: Query,
          response: {
            200: page(AuditEntry.ref),
            ...problemResponses(...keyProblems, ...trailQueryProblems, 'invalid_cursor'),
          },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const { limit, cursor, order } = request.query
        const filter = eventFilterOf(request.query, clock.now())
        const { events, nextCursor } = await asCompany(pools.api, companyId, (db) =>
          listEvents(db, companyId, filter, { limit, cursor, order }, { names: ['audit'] }),
        )
        const data = events.map((event) => auditEntryJson(toAuditEntry(event))).join(',')
        return await sendJsonText(reply, `{"data":[${data}],"next_cursor":${JSON.stringify(nextCursor)}}`)
      },
    )
  }
}
