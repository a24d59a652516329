import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { Job } from '../../contract/job.ts'
import { asCompany } from '../../db/transaction.ts'
import { getJob as get } from '../../webhooks/jobs/job-store.ts'
import { principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function getJob({ pools }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/jobs/:id',
      {
        config: { scope: 'deliveries:read' },
        schema: {
          operationId: 'getJob',
          tags: ['jobs'],
          summary: 'Get a job with its progress',
          description: 'Scope: `deliveries:read`.',
          params: IdPath,
          response: { 200: Job.ref, ...problemResponses(...keyProblems, 'not_found') },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        return await asCompany(pools.api, companyId, (db) => get(db, companyId, request.params.id))
      },
    )
  }
}
