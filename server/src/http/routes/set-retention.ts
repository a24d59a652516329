import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Retention, RetentionInput } from '../../contract/retention.ts'
import { asCompany } from '../../db/transaction.ts'
import { changeRetention } from '../../events/retention/retention-settings.ts'
import { readRetentionState } from '../../webhooks/retention/retention-state.ts'
import { authorOf, principalOf } from '../access.ts'
import { retentionAnswer } from '../answers/retention-answer.ts'
import type { HttpParts } from '../http-parts.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'

export function setRetention({ pools, clock, onRecorded }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.put(
      '/retention',
      {
        config: { scope: 'retention:write' },
        schema: {
          operationId: 'setRetention',
          tags: ['retention'],
          summary: 'Decide how long payloads and the ledger are kept',
          description:
            'Scope: `retention:write`. Replaces the whole decision. What is beyond its time begins to end within seconds, ' +
            'and does not come back; ask `POST /retention/preview` first.',
          body: RetentionInput,
          response: {
            200: Retention.ref,
            ...problemResponses(...keyProblems, ...bodyProblems, 'invalid_event_name', 'invalid_retention'),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const author = authorOf(request, clock)
        const state = await asCompany(pools.api, companyId, async (db) => {
          await changeRetention(db, author, companyId, request.body)
          return await readRetentionState(db, companyId)
        })
        onRecorded()
        return retentionAnswer(state)
      },
    )
  }
}
