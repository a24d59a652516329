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
          summary: 'Let a job that was paused, or has failed, go on',
          description:
            'Scope: `deliveries:write`. Some kinds need the scope that starts them too: `replays:write` for replays, `subscriptions:write` for recoveries. It goes on where it was; so does one that has failed, but for `recover_events`. Nothing happens to one that goes on already.',
          params: IdPath,
          response: { 200: Job.ref, ...problemResponses(...keyProblems, 'not_found', 'job_ended', 'job_limit') },
        },
      },
      async (request) => {
        const { companyId, scopes } = principalOf(request)
        const author = authorOf(request, clock)
        const { id } = request.params
        const job = await asCompany(pools.api, companyId, (db) => resume(db, author, companyId, { id, scopes }))
        onRecorded()
        return job
      },
    )
  }
}
