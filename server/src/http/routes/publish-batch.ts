import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { EventBatchInput, PublishedEvent } from '../../contract/event-input.ts'
import { BATCH_EVENTS_MAX, prepareEvents } from '../../events/prepare-events.ts'
import { ProblemError } from '../../lib/problems.ts'
import { principalOf } from '../access.ts'
import { publishedAnswer } from '../answers/published-answer.ts'
import type { HttpParts } from '../http-parts.ts'
import { payloadTexts, readPayloads } from '../json-body.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'
import { inPublishTrace } from '../publish-trace.ts'
import { prepareContext, publishProblems, REPLAYED_HEADER, warningsOf } from '../publishing.ts'
import { bodyLimits } from '../server-options.ts'

const PublishedBatch = Type.Object(
  { data: Type.Array(PublishedEvent.ref, { description: 'In the order of the request' }) },
  { description: 'All events are recorded' },
)

export function publishBatch(parts: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    readPayloads(app, 3)
    app.post(
      '/events/batch',
      {
        config: { scope: 'events:write' },
        bodyLimit: bodyLimits.batch,
        schema: {
          operationId: 'publishBatch',
          tags: ['events'],
          summary: 'Publish up to 1,000 events, all or none',
          description:
            'Scope: `events:write`. The answer comes after the commit; ' +
            'one that repeats earlier publishes throughout has status 200 and the header `idempotent-replayed: true`.',
          body: EventBatchInput,
          response: {
            201: PublishedBatch,
            200: PublishedBatch,
            ...problemResponses(
              ...keyProblems,
              ...bodyProblems,
              ...publishProblems,
              'duplicate_event',
              'batch_too_large',
            ),
          },
        },
      },
      async (request, reply) => {
        const { events: inputs } = request.body
        if (inputs.length > BATCH_EVENTS_MAX) throw batchTooLarge(inputs.length)
        const pointer = (index: number): string => `/events/${index}`
        const principal = principalOf(request)
        const names = inputs.map((input) => input.event_name)
        const definitions = await parts.definitions.forPublish(principal.companyId, names)
        const published = await inPublishTrace(parts.tracer, request, async (traceParent) => {
          const context = prepareContext(parts, definitions, principal, traceParent)
          const events = await prepareEvents(context, inputs, payloadTexts(request), pointer)
          return await parts.publisher.publish(events, pointer)
        })
        const isReplayed = published.every(({ replayed }) => replayed)
        if (isReplayed) reply.header(REPLAYED_HEADER, 'true')
        reply.code(isReplayed ? 200 : 201)
        return {
          data: published.map((one, index) =>
            publishedAnswer(one, warningsOf(definitions, one.eventName, pointer(index))),
          ),
        }
      },
    )
  }
}

function batchTooLarge(count: number): ProblemError {
  const message = `Holds ${count} events; ${BATCH_EVENTS_MAX} are the most`
  return new ProblemError('batch_too_large', `/events: ${message}`, [
    { pointer: '/events', code: 'batch_too_large', message },
  ])
}
