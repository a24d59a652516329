import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { page, pageQuery } from '../../contract/page.ts'
import { Replay } from '../../contract/replay.ts'
import { asCompany } from '../../db/transaction.ts'
import { listReplayRows, toJob } from '../../webhooks/jobs/job-store.ts'
import { toReplay } from '../../webhooks/replay/replay-view.ts'
import { principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { pageById } from '../page-by-id.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function listReplays({ pools }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/replays',
      {
        config: { scope: 'deliveries:read' },
        schema: {
          operationId: 'listReplays',
          tags: ['replays'],
          summary: 'List replays, newest first',
          description: 'Scope: `deliveries:read`.',
          querystring: Type.Object(pageQuery, { additionalProperties: false }),
          response: {
            200: page(Replay.ref),
            ...problemResponses(...keyProblems, 'invalid_request', 'invalid_cursor'),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        return await asCompany(pools.api, companyId, (db) =>
          pageById(
            'replays',
            request.query,
            (before, limit) => listReplayRows(db, companyId, before, limit),
            (row) => toReplay(toJob(row)),
          ),
        )
      },
    )
  }
}
