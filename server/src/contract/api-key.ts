import { Type } from 'typebox'
import type { Static } from 'typebox'
import { scopes } from '../lib/scopes.ts'
import type { Scope } from '../lib/scopes.ts'
import { component } from './component.ts'
import { Id, nullable, Time } from './fields.ts'

const Scope = Type.Unsafe<Scope>({ type: 'string', enum: scopes })

export const ApiKeyInput = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200 }),
    scopes: Type.Array(Scope, { minItems: 1, uniqueItems: true, description: '`*` is everything within the company' }),
    expires_at: Type.Optional(nullable(Type.String({ description: 'RFC 3339 with an offset, in the future' }))),
  },
  { additionalProperties: false },
)

const apiKeyMembers = {
  id: Id,
  name: Type.String(),
  hint: Type.String({ description: 'First and last characters of the key' }),
  scopes: Type.Array(Scope),
  created_at: Time,
  expires_at: nullable(Time),
  revoked_at: nullable(Time),
}

export const ApiKey = component('ApiKey', 'An API key, without its text', Type.Object(apiKeyMembers))
export type ApiKey = Static<typeof ApiKey.schema>

export const ApiKeyWithText = component(
  'ApiKeyWithText',
  'A new API key',
  Type.Object({
    ...apiKeyMembers,
    key: Type.String({ description: 'The key itself. It stands in this answer and never again' }),
  }),
)
