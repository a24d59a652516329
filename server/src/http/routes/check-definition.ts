import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { DefinitionCheck, DefinitionTrial, EventNamePath, REHEARSAL_DEFAULT } from '../../contract/definition.ts'
import type { DefinitionVerdict } from '../../events/check-definition.ts'
import { checkDefinition as check } from '../../events/check-definition.ts'
import { ProblemError } from '../../lib/problems.ts'
import { hasScope } from '../../lib/scopes.ts'
import { principalOf } from '../access.ts'
import { judgingParts, withSchemaText } from '../definition-parts.ts'
import type { HttpParts } from '../http-parts.ts'
import { readPayloads } from '../json-body.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'
import { bodyLimits } from '../server-options.ts'

const LISTED_MAX = 100

export function checkDefinition(parts: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    readPayloads(app, 1, 'schema')
    app.post(
      '/events/schemas/:event_name/check',
      {
        config: { scope: 'definitions:write' },
        bodyLimit: bodyLimits.event,
        schema: {
          operationId: 'checkDefinition',
          tags: ['definitions'],
          summary: 'Try a schema without keeping it',
          description:
            'Scope: `definitions:write`. The last events need `events:read` as well. Says what would keep it from being the next ' +
            'version of the name, or its first; whom it would break; and which of the last events it would have refused.',
          params: EventNamePath,
          body: DefinitionTrial,
          response: {
            200: DefinitionCheck.ref,
            ...problemResponses(
              ...keyProblems,
              ...bodyProblems,
              'not_found',
              'standard_definition',
              'invalid_event_name',
              'reserved_event_name',
              'too_busy',
            ),
          },
        },
      },
      async (request, reply) => {
        const { companyId, scopes } = principalOf(request)
        const mayRead = hasScope(scopes, 'events:read')
        const { schema = '', last = mayRead ? REHEARSAL_DEFAULT : 0, ...trial } = withSchemaText(request, request.body)
        const { event_name: eventName } = request.params
        if (last > 0 && !mayRead) {
          throw new ProblemError('forbidden', 'The key lacks the scope events:read, by which stored events are judged')
        }
        return answer(await check(judgingParts(parts, reply), companyId, eventName, { ...trial, schema, last }))
      },
    )
  }
}

function answer({ faults, compatibility, incompatibilities, rehearsal }: DefinitionVerdict): DefinitionCheck {
  return {
    acceptable: faults.length === 0 && incompatibilities.length === 0,
    faults: faults.slice(0, LISTED_MAX).map(({ pointer, code, message }) => ({ pointer, code, message })),
    compatibility,
    incompatibilities: incompatibilities
      .slice(0, LISTED_MAX)
      .map(({ version, breaks, pointer, code, message }) => ({ version, breaks, pointer, code, message })),
    rehearsal: rehearsal
      ? {
          checked: rehearsal.checked,
          failing: rehearsal.failing,
          complete: rehearsal.complete,
          samples: rehearsal.samples.map((one) => ({ ...one, faults: [...one.faults] })),
        }
      : null,
  }
}
