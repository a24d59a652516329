import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Company, CompanyChange } from '../../contract/company.ts'
import { IdPath } from '../../contract/fields.ts'
import { inTransaction } from '../../db/transaction.ts'
import { updateSettings } from '../../identity/companies.ts'
import { authorOf } from '../access.ts'
import { companyAnswer } from '../answers/company-answer.ts'
import type { HttpParts } from '../http-parts.ts'
import { pathId } from '../path-id.ts'
import { bodyProblems, problemResponses } from '../problem-responses.ts'

export function updateCompany({ pools, clock, onRecorded }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.patch(
      '/companies/:id',
      {
        config: { operator: true },
        schema: {
          operationId: 'updateCompany',
          tags: ['companies'],
          summary: 'Change the settings of a company',
          description: "The operator's key only. What is absent stays. In force everywhere within five seconds.",
          params: IdPath,
          body: CompanyChange,
          response: { 200: Company.ref, ...problemResponses('unauthenticated', ...bodyProblems, 'not_found') },
        },
      },
      async (request) => {
        const id = pathId(request.params.id, 'company')
        const author = authorOf(request, clock)
        const { settings } = request.body
        const company = await inTransaction(pools.engine, (db) => updateSettings(db, author, id, settings))
        onRecorded()
        return companyAnswer(company)
      },
    )
  }
}
