import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { Replay, ResumeReplayInput } from '../../contract/replay.ts'
import { asCompany } from '../../db/transaction.ts'
import { resumeReplay as resume } from '../../webhooks/replay/resume-replay.ts'
import { toReplay } from '../../webhooks/replay/replay-view.ts'
import { authorOf, principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'

export function resumeReplay({ pools, clock, onRecorded }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/events/replays/:id/resume',
      {
        config: { scope: 'replays:write' },
        preValidation: async (request) => {
          request.body ??= {}
        },
        schema: {
          operationId: 'resumeReplay',
          tags: ['replays'],
          summary: 'Let a replay that was paused, has failed, or has to be confirmed go on',
          description:
            'Scope: `replays:write`. It goes on where it was. One that waits for `more_than_confirmed` goes on with a higher `expected_count`. Nothing happens to one that goes on already.',
          params: IdPath,
          body: ResumeReplayInput,
          response: {
            200: Replay.ref,
            ...problemResponses(...keyProblems, ...bodyProblems, 'not_found', 'job_ended', 'job_limit'),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const author = authorOf(request, clock)
        const { id } = request.params
        const { expected_count: expectedCount } = request.body
        const job = await asCompany(pools.api, companyId, (db) => resume(db, author, companyId, id, expectedCount))
        onRecorded()
        return toReplay(job)
      },
    )
  }
}
