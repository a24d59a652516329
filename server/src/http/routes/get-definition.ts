import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Definition, EventNamePath, versionQuery } from '../../contract/definition.ts'
import { readDefinition } from '../../events/read-definition.ts'
import { principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { definitionParts, sendFound } from '../definition-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function getDefinition(parts: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/schemas/:event_name',
      {
        config: { scope: 'events:read' },
        schema: {
          operationId: 'getDefinition',
          tags: ['definitions'],
          summary: 'Get the definition of an event name',
          description:
            'Scope: `events:read`. With its latest version, or with that of the query. The `ETag` of one of your own stands ' +
            'for the whole definition and is for `If-Match`.',
          params: EventNamePath,
          querystring: versionQuery,
          response: { 200: Definition.ref, ...problemResponses(...keyProblems, 'invalid_request', 'not_found') },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const { event_name: eventName } = request.params
        const found = await readDefinition(definitionParts(parts), companyId, eventName, request.query.version)
        return await sendFound(reply, found)
      },
    )
  }
}
