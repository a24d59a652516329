import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { Replay } from '../../contract/replay.ts'
import { asCompany } from '../../db/transaction.ts'
import { cancelJob } from '../../webhooks/jobs/cancel-job.ts'
import { REPLAY_KIND } from '../../webhooks/replay/replay-events.ts'
import { toReplay } from '../../webhooks/replay/replay-view.ts'
import { authorOf, principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function cancelReplay({ pools, clock, onRecorded }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/events/replays/:id/cancel',
      {
        config: { scope: 'replays:write' },
        schema: {
          operationId: 'cancelReplay',
          tags: ['replays'],
          summary: 'End a replay before it is done',
          description: 'Scope: `replays:write`. What it added stays and is posted.',
          params: IdPath,
          response: { 200: Replay.ref, ...problemResponses(...keyProblems, 'not_found', 'job_ended') },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const author = authorOf(request, clock)
        const { id } = request.params
        const job = await asCompany(pools.api, companyId, (db) =>
          cancelJob(db, author, companyId, { id, kind: REPLAY_KIND }),
        )
        onRecorded()
        return toReplay(job)
      },
    )
  }
}
