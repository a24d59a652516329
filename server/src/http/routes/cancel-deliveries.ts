import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CancelDeliveriesInput, Job, JobCount } from '../../contract/job.ts'
import { cancelDeliveries as kind } from '../../webhooks/jobs/cancel-deliveries.ts'
import { countOrStart } from '../bulk-deliveries.ts'
import type { HttpParts } from '../http-parts.ts'
import { bodyProblems, bulkProblems, keyProblems, problemResponses } from '../problem-responses.ts'

export function cancelDeliveries(parts: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/events/deliveries/cancel',
      {
        config: { scope: 'deliveries:write' },
        schema: {
          operationId: 'cancelDeliveries',
          tags: ['deliveries'],
          summary: 'End many pending deliveries, chosen by a filter, as a job',
          description:
            'Scope: `deliveries:write`. With `dry_run` they are only counted. Above 1,000 the count has to be confirmed by `expected_count`.',
          body: CancelDeliveriesInput,
          response: {
            200: JobCount.ref,
            202: Job.ref,
            ...problemResponses(...keyProblems, ...bodyProblems, ...bulkProblems),
          },
        },
      },
      async (request, reply) => await countOrStart(parts, kind, request, reply, request.body, 'pending'),
    )
  }
}
