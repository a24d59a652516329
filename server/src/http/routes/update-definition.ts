import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Definition, DefinitionChange, EventNamePath } from '../../contract/definition.ts'
import { changeDefinition } from '../../events/custom-definitions.ts'
import { planUpdate } from '../../events/plan-definition.ts'
import { authorOf, principalOf } from '../access.ts'
import { judgingParts, sendCustom, tellOfChange, withSchemaText } from '../definition-parts.ts'
import { ifMatch, IfMatchHeader } from '../etag.ts'
import type { HttpParts } from '../http-parts.ts'
import { readPayloads } from '../json-body.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'
import { bodyLimits } from '../server-options.ts'

export function updateDefinition(parts: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    readPayloads(app, 1, 'schema')
    app.put(
      '/events/schemas/:event_name',
      {
        config: { scope: 'definitions:write' },
        bodyLimit: bodyLimits.event,
        schema: {
          operationId: 'updateDefinition',
          tags: ['definitions'],
          summary: 'Change a definition',
          description:
            'Scope: `definitions:write`. What is absent stays. A schema or examples that differ from the latest as JSON are a ' +
            'new version. It has to be compatible by the mode that the definition has after the change; every break is ' +
            'listed, and with `"compatibility": "none"` in the same request nothing is compared.',
          params: EventNamePath,
          headers: IfMatchHeader,
          body: DefinitionChange,
          response: {
            200: Definition.ref,
            ...problemResponses(
              ...keyProblems,
              ...bodyProblems,
              'not_found',
              'standard_definition',
              'definition_transition',
              'definition_limit',
              'incompatible_schema',
              'precondition_failed',
              'invalid_definition',
              'too_busy',
            ),
          },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const { event_name: eventName } = request.params
        const own = judgingParts(parts, reply)
        const wish = withSchemaText(request, request.body)
        const { definition, outcome } = await changeDefinition(
          own,
          authorOf(request, parts.clock),
          companyId,
          async () => planUpdate(own, companyId, eventName, wish, ifMatch(request)),
        )
        if (outcome !== 'unchanged') tellOfChange(parts, companyId)
        return await sendCustom(reply, definition)
      },
    )
  }
}
