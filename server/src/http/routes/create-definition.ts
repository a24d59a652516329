import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Definition, DefinitionInput } from '../../contract/definition.ts'
import { changeDefinition } from '../../events/custom-definitions.ts'
import { planCreation } from '../../events/plan-definition.ts'
import { authorOf, principalOf } from '../access.ts'
import { judgingParts, sendCustom, tellOfChange, withSchemaText } from '../definition-parts.ts'
import type { HttpParts } from '../http-parts.ts'
import { readPayloads } from '../json-body.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'
import { bodyLimits } from '../server-options.ts'

export function createDefinition(parts: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    readPayloads(app, 1, 'schema')
    app.post(
      '/events/schemas',
      {
        config: { scope: 'definitions:write' },
        bodyLimit: bodyLimits.event,
        schema: {
          operationId: 'createDefinition',
          tags: ['definitions'],
          summary: 'Define an event name',
          description:
            'Scope: `definitions:write`. Without examples a payload that fits has to be found, so that whatever is defined ' +
            'can be published.',
          body: DefinitionInput,
          response: {
            201: Definition.ref,
            ...problemResponses(
              ...keyProblems,
              ...bodyProblems,
              'definition_exists',
              'definition_limit',
              'invalid_event_name',
              'reserved_event_name',
              'invalid_definition',
              'too_busy',
            ),
          },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const { event_name: eventName, schema = '', ...wish } = withSchemaText(request, request.body)
        const own = judgingParts(parts, reply)
        const { definition } = await changeDefinition(own, authorOf(request, parts.clock), companyId, async () =>
          planCreation(own, companyId, eventName, { ...wish, schema }),
        )
        tellOfChange(parts, companyId)
        reply.code(201)
        return await sendCustom(reply, definition)
      },
    )
  }
}
