import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Retention } from '../../contract/retention.ts'
import { asCompany } from '../../db/transaction.ts'
import { readRetentionState } from '../../webhooks/retention/retention-state.ts'
import { principalOf } from '../access.ts'
import { retentionAnswer } from '../answers/retention-answer.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function getRetention({ pools }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/retention',
      {
        config: { scope: 'retention:read' },
        schema: {
          operationId: 'getRetention',
          tags: ['retention'],
          summary: 'Get how long payloads and the ledger are kept',
          description: 'Scope: `retention:read`. With what is kept beyond its time because something still needs it.',
          response: { 200: Retention.ref, ...problemResponses(...keyProblems) },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        return retentionAnswer(await asCompany(pools.api, companyId, (db) => readRetentionState(db, companyId)))
      },
    )
  }
}
