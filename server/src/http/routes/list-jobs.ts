import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Job } from '../../contract/job.ts'
import { page, pageQuery } from '../../contract/page.ts'
import { asCompany } from '../../db/transaction.ts'
import { listJobRows, toJob } from '../../webhooks/jobs/job-store.ts'
import { principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { pageById } from '../page-by-id.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function listJobs({ pools }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/jobs',
      {
        config: { scope: 'deliveries:read' },
        schema: {
          operationId: 'listJobs',
          tags: ['jobs'],
          summary: 'List jobs, newest first',
          description: 'Scope: `deliveries:read`.',
          querystring: Type.Object(pageQuery, { additionalProperties: false }),
          response: {
            200: page(Job.ref),
            ...problemResponses(...keyProblems, 'invalid_request', 'invalid_cursor'),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        return await asCompany(pools.api, companyId, (db) =>
          pageById('jobs', request.query, (before, limit) => listJobRows(db, companyId, before, limit), toJob),
        )
      },
    )
  }
}
