import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Replay, ReplayEstimate, ReplayInput } from '../../contract/replay.ts'
import { asCompany } from '../../db/transaction.ts'
import { CountAdmission } from '../../webhooks/replay/count-admission.ts'
import type { InCompany } from '../../webhooks/replay/estimate-replay.ts'
import { toReplay } from '../../webhooks/replay/replay-view.ts'
import { planReplay, startReplay } from '../../webhooks/replay/start-replay.ts'
import { authorOf, principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'
import { replayOrderOf } from '../replay-order.ts'

export function createReplay({ pools, clock, onRecorded }: HttpParts): FastifyPluginAsyncTypebox {
  const admission = new CountAdmission()
  return async (app) => {
    app.post(
      '/events/replays',
      {
        config: { scope: 'replays:write' },
        schema: {
          operationId: 'createReplay',
          tags: ['replays'],
          summary: 'Post past events to subscriptions again',
          description:
            'Scope: `replays:write`. A subscription is sent what the source chooses and its own names and filter choose too. With `dry_run` nothing is sent: the answer says what would be. Above 1,000 the count has to be confirmed by `expected_count`.',
          body: ReplayInput,
          response: {
            200: ReplayEstimate.ref,
            202: Replay.ref,
            ...problemResponses(
              ...keyProblems,
              ...bodyProblems,
              'count_changed',
              'job_limit',
              'count_required',
              'unknown_subscription',
              'invalid_event_name',
              'invalid_filter',
              'invalid_time',
            ),
          },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const author = authorOf(request, clock)
        const { body } = request
        const inCompany: InCompany = (work) => asCompany(pools.api, companyId, work)
        const order = replayOrderOf(body, author.nowMs)
        if (body.dry_run) {
          const planned = await admission.run(companyId, () => planReplay(inCompany, companyId, order))
          const { is_total_estimated: _, reason = null, ...ordered } = planned.parameters
          const { skipped, ...estimate } = planned.estimate
          return { ...ordered, reason, ...estimate, skipped_reasons: skipped }
        }
        const job = await admission.run(companyId, () =>
          startReplay(inCompany, author, companyId, order, body.expected_count),
        )
        onRecorded()
        reply.code(202)
        return toReplay(job)
      },
    )
  }
}
