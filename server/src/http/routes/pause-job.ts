import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { Job } from '../../contract/job.ts'
import { asCompany } from '../../db/transaction.ts'
import { pauseJob as pause } from '../../webhooks/jobs/start-job.ts'
import { authorOf, principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function pauseJob({ pools, clock, onRecorded }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/events/jobs/:id/pause',
      {
        config: { scope: 'deliveries:write' },
        schema: {
          operationId: 'pauseJob',
          tags: ['jobs'],
          summary: 'Keep a job from going on until it is resumed',
          description:
            'Scope: `deliveries:write`. Some kinds need the scope that starts them too: `replays:write` for replays, `subscriptions:write` for recoveries. What it did stays done. Nothing happens to one that is paused already.',
          params: IdPath,
          response: { 200: Job.ref, ...problemResponses(...keyProblems, 'not_found', 'job_ended') },
        },
      },
      async (request) => {
        const { companyId, scopes } = principalOf(request)
        const author = authorOf(request, clock)
        const { id } = request.params
        const job = await asCompany(pools.api, companyId, (db) => pause(db, author, companyId, { id, scopes }))
        onRecorded()
        return job
      },
    )
  }
}
