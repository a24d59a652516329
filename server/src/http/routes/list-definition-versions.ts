import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { DefinitionVersion, EventNamePath } from '../../contract/definition.ts'
import { page, pageQuery } from '../../contract/page.ts'
import { listDefinitionVersions as list } from '../../events/list-definition-versions.ts'
import { principalOf } from '../access.ts'
import { definitionParts } from '../definition-parts.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function listDefinitionVersions(parts: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/schemas/:event_name/versions',
      {
        config: { scope: 'events:read' },
        schema: {
          operationId: 'listDefinitionVersions',
          tags: ['definitions'],
          summary: 'List the versions of a definition, newest first',
          description: 'Scope: `events:read`. A version never changes; `?version=` of the definition shows its schema.',
          params: EventNamePath,
          querystring: Type.Object(pageQuery, { additionalProperties: false }),
          response: {
            200: page(DefinitionVersion.ref),
            ...problemResponses(...keyProblems, 'invalid_request', 'invalid_cursor', 'not_found'),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const { versions, nextCursor } = await list(
          definitionParts(parts),
          companyId,
          request.params.event_name,
          request.query,
        )
        const data = versions.map(({ version, isLatest, wasInForce, createdAt, createdBy }): DefinitionVersion => ({
          version,
          is_latest: isLatest,
          was_in_force: wasInForce,
          created_at: createdAt?.toISOString() ?? null,
          created_by: createdBy,
        }))
        return { data, next_cursor: nextCursor }
      },
    )
  }
}
