import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { RevealedSecrets } from '../../contract/subscription.ts'
import { asCompany } from '../../db/transaction.ts'
import { revealSecrets as reveal } from '../../webhooks/reveal-secrets.ts'
import { authorOf, principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { pathId } from '../path-id.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function revealSecrets({ pools, vault, clock, onRecorded }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/events/subscriptions/:id/reveal-secrets',
      {
        config: { scope: 'secrets:read' },
        schema: {
          operationId: 'revealSecrets',
          tags: ['subscriptions'],
          summary: 'Read the secrets of a subscription',
          description: 'Scope: `secrets:read`. Every call is an event, `daybook.subscription.secrets_revealed`.',
          params: IdPath,
          response: { 200: RevealedSecrets.ref, ...problemResponses(...keyProblems, 'not_found', 'secret_unreadable') },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const id = pathId(request.params.id, 'subscription')
        const author = authorOf(request, clock)
        const { secrets, credentials } = await asCompany(pools.api, companyId, (db) =>
          reveal(db, vault, author, companyId, id),
        )
        onRecorded()
        const { auth, tls } = credentials.reveal()
        return {
          secrets: secrets.map(({ secret, expiresAt }) => ({
            secret: secret.reveal(),
            expires_at: expiresAt?.toISOString() ?? null,
          })),
          auth,
          tls: tls ?? null,
        }
      },
    )
  }
}
