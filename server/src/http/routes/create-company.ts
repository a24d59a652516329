import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CompanyInput, CompanyWithKey } from '../../contract/company.ts'
import { inTransaction } from '../../db/transaction.ts'
import { createApiKey } from '../../identity/api-keys.ts'
import { createCompany as create } from '../../identity/companies.ts'
import { authorOf } from '../access.ts'
import { companyAnswer } from '../answers/company-answer.ts'
import type { HttpParts } from '../http-parts.ts'
import { bodyProblems, problemResponses } from '../problem-responses.ts'

const FIRST_KEY_NAME = 'First key'

export function createCompany({ pools, clock, onRecorded }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/companies',
      {
        config: { operator: true },
        schema: {
          operationId: 'createCompany',
          tags: ['companies'],
          summary: 'Make a company and its first API key',
          description: "The operator's key only.",
          body: CompanyInput,
          response: { 201: CompanyWithKey.ref, ...problemResponses('unauthenticated', ...bodyProblems) },
        },
      },
      async (request, reply) => {
        const author = authorOf(request, clock)
        const { company, key } = await inTransaction(pools.engine, async (db) => {
          const company = await create(db, author, request.body)
          const { key } = await createApiKey(db, author, company.id, { name: FIRST_KEY_NAME, scopes: ['*'] })
          return { company, key }
        })
        onRecorded()
        reply.code(201)
        return { ...companyAnswer(company), api_key: key }
      },
    )
  }
}
