import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Definition } from '../../contract/definition.ts'
import { ProblemError } from '../../lib/problems.ts'
import { definitionAnswer } from '../answers/definition-answer.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function getDefinition({ definitions }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/schemas/:event_name',
      {
        config: { scope: 'events:read' },
        schema: {
          operationId: 'getDefinition',
          tags: ['definitions'],
          summary: 'Get the definition of an event name',
          description: 'Scope: `events:read`.',
          params: Type.Object({ event_name: Type.String() }),
          response: { 200: Definition.ref, ...problemResponses(...keyProblems, 'not_found') },
        },
      },
      async (request) => {
        const definition = definitions.get(request.params.event_name)
        if (!definition) throw new ProblemError('not_found', `No definition ${request.params.event_name}`)
        return definitionAnswer(definition)
      },
    )
  }
}
