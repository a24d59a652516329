import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Job, JobCount, RetryDeliveriesInput } from '../../contract/job.ts'
import { retryDeliveries as kind } from '../../webhooks/jobs/retry-deliveries.ts'
import { countOrStart } from '../bulk-deliveries.ts'
import type { HttpParts } from '../http-parts.ts'
import { bodyProblems, bulkProblems, keyProblems, problemResponses } from '../problem-responses.ts'

export function retryDeliveries(parts: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/events/deliveries/retry',
      {
        config: { scope: 'deliveries:write' },
        schema: {
          operationId: 'retryDeliveries',
          tags: ['deliveries'],
          summary: 'Retry many deliveries, chosen by a filter, as a job',
          description:
            'Scope: `deliveries:write`. `failed` deliveries are chosen unless `state` says otherwise. With `dry_run` they are only counted. Above 1,000 the count has to be confirmed by `expected_count`.',
          body: RetryDeliveriesInput,
          response: {
            200: JobCount.ref,
            202: Job.ref,
            ...problemResponses(...keyProblems, ...bodyProblems, ...bulkProblems),
          },
        },
      },
      async (request, reply) => await countOrStart(parts, kind, request, reply, request.body, 'failed'),
    )
  }
}
