import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ApiKey } from '../../contract/api-key.ts'
import { IdPath } from '../../contract/fields.ts'
import { asCompany } from '../../db/transaction.ts'
import { revokeApiKey as revoke } from '../../identity/api-keys.ts'
import { authorOf, principalOf } from '../access.ts'
import { apiKeyAnswer } from '../answers/api-key-answer.ts'
import type { HttpParts } from '../http-parts.ts'
import { pathId } from '../path-id.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function revokeApiKey({ pools, clock, onRecorded }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.delete(
      '/api-keys/:id',
      {
        config: { scope: 'keys:write' },
        schema: {
          operationId: 'revokeApiKey',
          tags: ['api-keys'],
          summary: 'Revoke an API key',
          description: 'Scope: `keys:write`. Every process refuses it within five seconds. Safe to repeat.',
          params: IdPath,
          response: { 200: ApiKey.ref, ...problemResponses(...keyProblems, 'not_found') },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const id = pathId(request.params.id, 'API key')
        const author = authorOf(request, clock)
        const apiKey = await asCompany(pools.api, companyId, (db) => revoke(db, author, companyId, id))
        onRecorded()
        return apiKeyAnswer(apiKey)
      },
    )
  }
}
