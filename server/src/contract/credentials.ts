import { Type } from 'typebox'
import { nullable, Time } from './fields.ts'

const text = (description: string) => Type.String({ minLength: 1, maxLength: 4_000, description })
const secret = (description: string) =>
  Type.String({ maxLength: 4_000, description: `${description}. Stored sealed, and in no answer` })

const None = Type.Object({ type: Type.Literal('none') }, { additionalProperties: false })

/** How a call shows the endpoint who calls; checked in full by `webhooks/endpoint-auth.ts`. */
export const Auth = Type.Union(
  [
    None,
    Type.Object(
      { type: Type.Literal('api_key'), header: text('The name of the header'), value: secret('Its value') },
      { additionalProperties: false },
    ),
    Type.Object(
      { type: Type.Literal('basic'), username: text('Without a colon'), password: secret('May be empty') },
      { additionalProperties: false },
    ),
    Type.Object({ type: Type.Literal('bearer'), token: secret('The token') }, { additionalProperties: false }),
    Type.Object(
      {
        type: Type.Literal('oauth2'),
        token_url: text('Where a token is had with client credentials (RFC 6749, 4.4)'),
        client_id: text(''),
        client_secret: secret('The secret of the client'),
        scope: Type.Optional(text('Words apart by blanks')),
        audience: Type.Optional(text('Where the server asks for one')),
        client_auth: Type.Optional(
          Type.Union([Type.Literal('basic'), Type.Literal('post')], {
            description: 'How the secret is sent: as basic authentication (the default), or in the body',
          }),
        ),
      },
      { additionalProperties: false },
    ),
  ],
  { description: 'How a call shows the endpoint who calls, see docs/endpoint-authentication.md' },
)

const Pem = Type.String({ maxLength: 65_536 })

export const Tls = Type.Object(
  {
    certificate: Type.Optional(Type.String({ ...Pem, description: 'The client certificate and its chain, PEM' })),
    private_key: Type.Optional(Type.String({ ...Pem, description: 'Its key, PEM. Stored sealed, and in no answer' })),
    ca: Type.Optional(
      Type.String({ ...Pem, description: 'Who vouches for the endpoint instead of the public authorities' }),
    ),
  },
  { additionalProperties: false, description: 'Mutual TLS, a private authority, or both' },
)

const CertificateFacts = Type.Object({
  subject: Type.String(),
  issuer: Type.String(),
  fingerprint: Type.String({ description: 'SHA-256, hexadecimal with colons' }),
  expires_at: Time,
})

const authTypes = ['none', 'api_key', 'basic', 'bearer', 'oauth2'] as const

/** What an answer says of them. */
export const credentialMembers = {
  auth: Type.Object(
    {
      type: Type.Unsafe<(typeof authTypes)[number]>({
        type: 'string',
        enum: authTypes,
        description: 'Its secrets are in no answer but that of `reveal-secrets`',
      }),
      header: Type.Optional(Type.String()),
      username: Type.Optional(Type.String()),
      token_url: Type.Optional(Type.String()),
      client_id: Type.Optional(Type.String()),
      scope: Type.Optional(Type.String()),
      audience: Type.Optional(Type.String()),
      client_auth: Type.Optional(Type.Union([Type.Literal('basic'), Type.Literal('post')])),
    },
    { description: 'How calls show who calls' },
  ),
  tls: nullable(Type.Object({ certificate: nullable(CertificateFacts), ca: Type.Array(CertificateFacts) })),
}
