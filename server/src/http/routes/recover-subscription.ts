import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { Job } from '../../contract/job.ts'
import { RecoverInput } from '../../contract/subscription.ts'
import { asCompany } from '../../db/transaction.ts'
import { recoverSubscription as recover } from '../../webhooks/enable-subscription.ts'
import { authorOf, principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { pathId } from '../path-id.ts'
import { bodyProblems, bulkProblems, keyProblems, problemResponses } from '../problem-responses.ts'

export function recoverSubscription({ pools, clock, onRecorded }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/events/subscriptions/:id/recover',
      {
        config: { scope: 'subscriptions:write' },
        schema: {
          operationId: 'recoverSubscription',
          tags: ['subscriptions'],
          summary: 'Send a subscription the events that it never got',
          description:
            'Scope: `subscriptions:write`. A job sends it the events of the range that its names and its filter choose today ' +
            'and that were never owed to it. Above 1,000 the count has to be confirmed by `expected_count`.',
          params: IdPath,
          body: RecoverInput,
          response: {
            202: Job.ref,
            ...problemResponses(
              ...keyProblems,
              ...bodyProblems,
              ...bulkProblems,
              'not_found',
              'subscription_not_recoverable',
            ),
          },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const id = pathId(request.params.id, 'subscription')
        const author = authorOf(request, clock)
        const { expected_count: expectedCount, ...range } = request.body
        const job = await asCompany(pools.api, companyId, (db) =>
          recover(db, author, companyId, id, range, expectedCount),
        )
        onRecorded()
        reply.code(202)
        return job
      },
    )
  }
}
