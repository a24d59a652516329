import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ApiKeyInput, ApiKeyWithText } from '../../contract/api-key.ts'
import { asCompany } from '../../db/transaction.ts'
import { createApiKey as create } from '../../identity/api-keys.ts'
import type { Principal } from '../../identity/key-ring.ts'
import { ProblemError } from '../../lib/problems.ts'
import { parseRfc3339 } from '../../lib/rfc3339.ts'
import type { Scope } from '../../lib/scopes.ts'
import { hasScope } from '../../lib/scopes.ts'
import { authorOf, principalOf } from '../access.ts'
import { apiKeyAnswer } from '../answers/api-key-answer.ts'
import type { HttpParts } from '../http-parts.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'

export function createApiKey({ pools, clock, onRecorded }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/api-keys',
      {
        config: { scope: 'keys:write' },
        schema: {
          operationId: 'createApiKey',
          tags: ['api-keys'],
          summary: 'Make an API key',
          description: 'Scope: `keys:write`. A key can give no scope that it lacks itself.',
          body: ApiKeyInput,
          response: {
            201: ApiKeyWithText.ref,
            ...problemResponses(...keyProblems, ...bodyProblems, 'invalid_time'),
          },
        },
      },
      async (request, reply) => {
        const principal = principalOf(request)
        const { companyId } = principal
        const { name, scopes, expires_at = null } = request.body
        refuseMoreThanOwn(principal, scopes)
        const author = authorOf(request, clock)
        const expiry = expires_at === null ? null : checkExpiry(expires_at, author.nowMs)
        const { apiKey, key } = await asCompany(pools.api, companyId, (db) =>
          create(db, author, companyId, { name, scopes, expires_at: expiry }),
        )
        onRecorded()
        reply.code(201)
        return { ...apiKeyAnswer(apiKey), key }
      },
    )
  }
}

/** Otherwise whoever may make keys could make one that may do everything. */
function refuseMoreThanOwn(principal: Principal, scopes: readonly Scope[]): void {
  const faults = [...scopes.entries()]
    .filter(([, scope]) => !hasScope(principal.scopes, scope))
    .map(([index]) => ({ pointer: `/scopes/${index}`, code: 'forbidden', message: 'The calling key lacks this scope' }))
  if (faults.length > 0) throw new ProblemError('forbidden', 'A key can give no scope that it lacks itself', faults)
}

function checkExpiry(text: string, nowMs: number): string {
  const ms = parseRfc3339(text)
  if (ms !== undefined && ms > nowMs) return new Date(ms).toISOString()
  const message = 'A time in the future, as in RFC 3339 with an offset: 2030-03-01T09:30:00+01:00'
  throw new ProblemError('invalid_time', `/expires_at: ${message}`, [
    { pointer: '/expires_at', code: 'invalid_time', message },
  ])
}
