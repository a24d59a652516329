import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { RetentionInput, RetentionPreview } from '../../contract/retention.ts'
import { asCompany } from '../../db/transaction.ts'
import { previewRetention as preview } from '../../webhooks/retention/preview-retention.ts'
import { principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'

export function previewRetention({ pools, clock }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/retention/preview',
      {
        config: { scope: 'retention:read' },
        schema: {
          operationId: 'previewRetention',
          tags: ['retention'],
          summary: 'See what a retention would end now',
          description:
            'Scope: `retention:read`. Changes nothing. Looks at 20,000 rows of the log (5,000 of each event name) and ' +
            'as many of the ledger, and says where there are more.',
          body: RetentionInput,
          response: {
            200: RetentionPreview.ref,
            ...problemResponses(...keyProblems, ...bodyProblems, 'invalid_event_name', 'invalid_retention'),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        return await asCompany(pools.api, companyId, (db) => preview(db, companyId, request.body, clock.now()))
      },
    )
  }
}
