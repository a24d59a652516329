import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { Replay } from '../../contract/replay.ts'
import { asCompany } from '../../db/transaction.ts'
import { pauseJob } from '../../webhooks/jobs/start-job.ts'
import { REPLAY_KIND } from '../../webhooks/replay/replay-events.ts'
import { toReplay } from '../../webhooks/replay/replay-view.ts'
import { authorOf, principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function pauseReplay({ pools, clock, onRecorded }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/events/replays/:id/pause',
      {
        config: { scope: 'replays:write' },
        schema: {
          operationId: 'pauseReplay',
          tags: ['replays'],
          summary: 'Keep a replay from going on until it is resumed',
          description:
            'Scope: `replays:write`. What it added is posted still. Nothing happens to one that is paused already.',
          params: IdPath,
          response: { 200: Replay.ref, ...problemResponses(...keyProblems, 'not_found', 'job_ended') },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const author = authorOf(request, clock)
        const { id } = request.params
        const job = await asCompany(pools.api, companyId, (db) =>
          pauseJob(db, author, companyId, { id, kind: REPLAY_KIND }),
        )
        onRecorded()
        return toReplay(job)
      },
    )
  }
}
