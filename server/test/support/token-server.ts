import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { Provider } from 'oidc-provider'

export interface TokenServer {
  readonly tokenUrl: string
  /** How each token request ended, in order. */
  readonly requests: readonly ('granted' | 'refused')[]
  /** The scope and audience of an access token that is in force, and undefined for any other text. */
  find(token: string): Promise<{ readonly scope: string | undefined; readonly audience: unknown } | undefined>
  /** Ends a token before its time. */
  revoke(token: string): Promise<void>
}

export interface TokenClient {
  readonly client_id: string
  readonly client_secret: string
  /** Those that it may ask for. */
  readonly scope?: string
  readonly token_endpoint_auth_method?: 'client_secret_basic' | 'client_secret_post'
}

/** A real authorization server on the loopback that gives out tokens for client credentials. */
export async function tokenServer(
  t: TestContext,
  clients: readonly TokenClient[],
  lifetimeSeconds = 600,
): Promise<TokenServer> {
  const server = createServer()
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const provider = new Provider(issuer, {
    clients: clients.map((client) => ({
      ...client,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })),
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
    scopes: ['events', 'billing'],
    cookies: { keys: ['test'] },
    ttl: { ClientCredentials: lifetimeSeconds },
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  })
  const requests: ('granted' | 'refused')[] = []
  provider.on('grant.success', () => requests.push('granted'))
  provider.on('grant.error', () => requests.push('refused'))
  const answer = provider.callback()
  server.on('request', (request, response) => void answer(request, response))
  return {
    tokenUrl: `${issuer}/token`,
    requests,
    find: async (token) => {
      const found = await provider.ClientCredentials.find(token)
      return found && { scope: found.scope, audience: found.aud }
    },
    revoke: async (token) => {
      await (await provider.ClientCredentials.find(token))?.destroy()
    },
  }
}
