import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { Replay } from '../../contract/replay.ts'
import { asCompany } from '../../db/transaction.ts'
import { getJob } from '../../webhooks/jobs/job-store.ts'
import { REPLAY_KIND } from '../../webhooks/replay/replay-events.ts'
import { toReplay } from '../../webhooks/replay/replay-view.ts'
import { principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function getReplay({ pools }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/replays/:id',
      {
        config: { scope: 'deliveries:read' },
        schema: {
          operationId: 'getReplay',
          tags: ['replays'],
          summary: 'Get a replay with its progress',
          description: 'Scope: `deliveries:read`.',
          params: IdPath,
          response: { 200: Replay.ref, ...problemResponses(...keyProblems, 'not_found') },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const { id } = request.params
        return toReplay(await asCompany(pools.api, companyId, (db) => getJob(db, companyId, id, REPLAY_KIND)))
      },
    )
  }
}
