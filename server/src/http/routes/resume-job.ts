import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { Job } from '../../contract/job.ts'
import { asCompany } from '../../db/transaction.ts'
import { resumeJob as resume } from '../../webhooks/jobs/start-job.ts'
import { authorOf, principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function resumeJob({ pools, clock, onRecorded }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/events/jobs/:id/resume',
      {
        config: { scope: 'deliveries:write' },
        schema: {
          operationId: 'resumeJob',
          tags: ['jobs'],
          summary: 'Let a paused job go on',
          description: 'Scope: `deliveries:write`. It goes on where it was. Nothing happens to one that is not paused.',
          params: IdPath,
          response: { 200: Job.ref, ...problemResponses(...keyProblems, 'not_found', 'job_ended') },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const author = authorOf(request, clock)
        const job = await asCompany(pools.api, companyId, (db) => resume(db, author, companyId, request.params.id))
        onRecorded()
        return job
      },
    )
  }
}
