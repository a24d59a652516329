import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { ApiKey } from '../../contract/api-key.ts'
import { page, pageQuery } from '../../contract/page.ts'
import { asCompany } from '../../db/transaction.ts'
import { listApiKeys as list } from '../../identity/api-keys.ts'
import { principalOf } from '../access.ts'
import { apiKeyAnswer } from '../answers/api-key-answer.ts'
import type { HttpParts } from '../http-parts.ts'
import { pageById } from '../page-by-id.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function listApiKeys({ pools }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/api-keys',
      {
        config: { scope: 'keys:read' },
        schema: {
          operationId: 'listApiKeys',
          tags: ['api-keys'],
          summary: 'List API keys, newest first',
          description: 'Scope: `keys:read`. Revoked and expired keys included.',
          querystring: Type.Object(pageQuery, { additionalProperties: false }),
          response: { 200: page(ApiKey.ref), ...problemResponses(...keyProblems, 'invalid_request', 'invalid_cursor') },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        return await asCompany(pools.api, companyId, async (db) =>
          pageById('api_keys', request.query, (before, limit) => list(db, companyId, before, limit), apiKeyAnswer),
        )
      },
    )
  }
}
