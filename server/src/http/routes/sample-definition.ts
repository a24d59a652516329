import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { DefinitionSample as Sample } from '../../contract/definition.ts'
import { DefinitionSample, EventNamePath, sampleQuery } from '../../contract/definition.ts'
import { viewOfCustom, viewOfStandard } from '../../events/definition-view.ts'
import { readDefinition } from '../../events/read-definition.ts'
import { sampleOfDefinition } from '../../events/sample-of-definition.ts'
import { principalOf } from '../access.ts'
import { definitionParts } from '../definition-parts.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function sampleDefinition(parts: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/schemas/:event_name/sample',
      {
        config: { scope: 'events:read' },
        schema: {
          operationId: 'sampleDefinition',
          tags: ['definitions'],
          summary: 'Get a payload that fits a definition',
          description: 'Scope: `events:read`. The first example, or with a seed one that is made up from the schema.',
          params: EventNamePath,
          querystring: sampleQuery,
          response: {
            200: DefinitionSample.ref,
            ...problemResponses(...keyProblems, 'invalid_request', 'not_found', 'too_busy'),
          },
        },
      },
      async (request): Promise<Sample> => {
        const { companyId } = principalOf(request)
        const { version, seed } = request.query
        const own = definitionParts(parts)
        const found = await readDefinition(own, companyId, request.params.event_name, version)
        const view = 'custom' in found ? viewOfCustom(found.custom) : viewOfStandard(found.standard)
        const { from, payload } = await sampleOfDefinition(own.judge, companyId, view, seed)
        return { event_name: view.eventName, version: view.version, from, payload }
      },
    )
  }
}
