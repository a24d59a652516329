import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Company } from '../../contract/company.ts'
import { IdPath } from '../../contract/fields.ts'
import { getCompany as get } from '../../identity/companies.ts'
import { companyAnswer } from '../answers/company-answer.ts'
import type { HttpParts } from '../http-parts.ts'
import { pathId } from '../path-id.ts'
import { problemResponses } from '../problem-responses.ts'

export function getCompany({ pools }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/companies/:id',
      {
        config: { operator: true },
        schema: {
          operationId: 'getCompany',
          tags: ['companies'],
          summary: 'Get a company',
          description: "The operator's key only.",
          params: IdPath,
          response: { 200: Company.ref, ...problemResponses('unauthenticated', 'not_found') },
        },
      },
      async (request) => companyAnswer(await get(pools.engine, pathId(request.params.id, 'company'))),
    )
  }
}
