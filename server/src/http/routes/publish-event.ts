import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { EventInput, PublishedEvent } from '../../contract/event-input.ts'
import type { EventInput as Input } from '../../events/prepare-events.ts'
import { prepareEvents } from '../../events/prepare-events.ts'
import { ProblemError } from '../../lib/problems.ts'
import { principalOf } from '../access.ts'
import { publishedAnswer } from '../answers/published-answer.ts'
import type { HttpParts } from '../http-parts.ts'
import { payloadTexts, readPayloads } from '../json-body.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'
import { inPublishTrace } from '../publish-trace.ts'
import { prepareContext, publishProblems, REPLAYED_HEADER, warningsOf } from '../publishing.ts'
import { bodyLimits } from '../server-options.ts'

export function publishEvent(parts: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    readPayloads(app, 1)
    app.post(
      '/events',
      {
        config: { scope: 'events:write' },
        bodyLimit: bodyLimits.event,
        schema: {
          operationId: 'publishEvent',
          tags: ['events'],
          summary: 'Publish an event',
          description:
            'Scope: `events:write`. The answer comes after the commit; ' +
            'one that repeats an earlier publish has status 200 and the header `idempotent-replayed: true`.',
          headers: Type.Object({
            'idempotency-key': Type.Optional(
              Type.String({ minLength: 1, maxLength: 200, description: 'Stands for `idempotency_key` of the body' }),
            ),
          }),
          body: EventInput.ref,
          response: {
            201: PublishedEvent.ref,
            200: PublishedEvent.ref,
            ...problemResponses(...keyProblems, ...bodyProblems, ...publishProblems),
          },
        },
      },
      async (request, reply) => {
        const input = withKeyOfHeader(request.body, request.headers['idempotency-key'])
        const isBody = (): string => ''
        const principal = principalOf(request)
        const definitions = await parts.definitions.forPublish(principal.companyId, [input.event_name])
        const [published] = await inPublishTrace(parts.tracer, request, async (traceParent) => {
          const context = prepareContext(parts, definitions, principal, traceParent)
          const events = await prepareEvents(context, [input], payloadTexts(request), isBody)
          return await parts.publisher.publish(events, isBody)
        })
        if (!published) throw new Error('The publisher answered without an outcome')
        if (published.replayed) reply.header(REPLAYED_HEADER, 'true')
        reply.code(published.replayed ? 200 : 201)
        return publishedAnswer(published, warningsOf(definitions, published.eventName, ''))
      },
    )
  }
}

function withKeyOfHeader(input: Input, key: string | undefined): Input {
  if (key === undefined || key === input.idempotency_key) return input
  if (input.idempotency_key === undefined) return { ...input, idempotency_key: key }
  const message = 'Differs from the header idempotency-key'
  const fault = { pointer: '/idempotency_key', code: 'invalid_request', message }
  throw new ProblemError('invalid_request', `/idempotency_key: ${message}`, [fault])
}
