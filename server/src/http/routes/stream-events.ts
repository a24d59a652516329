import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { fieldsQuery, streamQuery } from '../../contract/event.ts'
import { checkEventNamePatterns } from '../../events/expand-event-names.ts'
import { ProblemError } from '../../lib/problems.ts'
import { EVENT_STREAM_TYPE } from '../../lib/server-sent-events.ts'
import { principalOf } from '../access.ts'
import { takesType } from '../accepted-types.ts'
import { streamSelectionOf } from '../event-query.ts'
import { openEventStream, sinkOf, streamHeaders } from '../event-stream-response.ts'
import type { RouteParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'
import { logStreamEnd } from '../request-log.ts'

const Query = Type.Object({ ...streamQuery, ...fieldsQuery }, { additionalProperties: false })

const streamResponse = {
  description:
    'Server-sent events: `id` is the position, `event` the name, `data` the event as `GET /events` shows it, in one line. The last one of a stream that ends from here is `daybook.stream.closed`',
  content: { [EVENT_STREAM_TYPE]: { schema: Type.String() } },
}

export function streamEvents({ streams, clock, logger }: RouteParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/stream',
      {
        config: { scope: 'events:read' },
        schema: {
          operationId: 'streamEvents',
          tags: ['events'],
          summary: 'Listen to events as they come, in the order of positions',
          description:
            'Scope: `events:read`. Every event of the filter behind the position, once; a client that comes back with `last-event-id` misses none. Ends within five seconds when the key is revoked or expires.',
          headers: Type.Object({
            'last-event-id': Type.Optional(
              Type.String({ pattern: '^[0-9]{0,16}$', description: 'The last position that was seen; before `after`' }),
            ),
          }),
          querystring: Query,
          response: {
            200: streamResponse,
            ...problemResponses(
              ...keyProblems,
              'invalid_request',
              'not_acceptable',
              'invalid_event_name',
              'invalid_entity',
              'invalid_filter',
              'position_ahead',
              'too_many_streams',
              'streams_full',
            ),
          },
        },
      },
      async (request, reply) => {
        const { companyId, keyId } = principalOf(request)
        const { query, headers } = request
        if (!takesType(request.headers.accept, EVENT_STREAM_TYPE)) {
          throw new ProblemError('not_acceptable', `The route answers with ${EVENT_STREAM_TYPE}`)
        }
        const selection = streamSelectionOf(query)
        checkEventNamePatterns(selection.filter.event_names ?? [])
        if (request.method === 'HEAD') return await reply.headers(streamHeaders).send('')
        if (reply.raw.socket === null) {
          throw new ProblemError('invalid_request', 'A stream needs a connection on which no other answer is awaited')
        }
        const { follow: follows = true } = query
        const after = positionOf(headers['last-event-id']) ?? query.after
        const listener = await streams.join({ companyId, keyId, selection, after, follows })
        if (reply.raw.destroyed) return (streams.leave(listener), reply.hijack()) // the caller went meanwhile
        const raw = openEventStream(reply)
        raw.on('close', () => {
          streams.leave(listener)
          logStreamEnd(logger, request, reply, listener.endedFor ?? 'gone')
        })
        raw.on('drain', () => listener.drained())
        listener.begin(sinkOf(raw), clock.elapsed())
        streams.serve(listener)
        return reply
      },
    )
  }
}

function positionOf(lastEventId: string | undefined): number | undefined {
  return lastEventId === undefined || lastEventId === '' ? undefined : Number(lastEventId)
}
