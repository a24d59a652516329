import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Company } from '../../contract/company.ts'
import { page, pageQuery } from '../../contract/page.ts'
import { listCompanies as list } from '../../identity/companies.ts'
import { companyAnswer } from '../answers/company-answer.ts'
import type { HttpParts } from '../http-parts.ts'
import { pageById } from '../page-by-id.ts'
import { problemResponses } from '../problem-responses.ts'

export function listCompanies({ pools }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/companies',
      {
        config: { operator: true },
        schema: {
          operationId: 'listCompanies',
          tags: ['companies'],
          summary: 'List companies, newest first',
          description: "The operator's key only.",
          querystring: Type.Object(pageQuery, { additionalProperties: false }),
          response: {
            200: page(Company.ref),
            ...problemResponses('unauthenticated', 'invalid_request', 'invalid_cursor'),
          },
        },
      },
      async (request) =>
        await pageById('companies', request.query, (before, limit) => list(pools.engine, before, limit), companyAnswer),
    )
  }
}
