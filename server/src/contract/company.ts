import { Type } from 'typebox'
import type { Static } from 'typebox'
import { component } from './component.ts'
import { Id, Time } from './fields.ts'

const settings = {
  allow_undeclared_events: Type.Boolean({ description: 'Events whose name has no definition are accepted' }),
  disable_after_failures: Type.Integer({
    minimum: 1,
    maximum: 1_000,
    description: 'Failed deliveries in a row after which a subscription is disabled',
  }),
  daily_metrics: Type.Boolean({ description: 'Each day ends with a `metrics.updated` of its statistics' }),
}

const SettingsChange = Type.Partial(Type.Object(settings), { additionalProperties: false })

export const CompanyInput = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 200 }), settings: Type.Optional(SettingsChange) },
  { additionalProperties: false },
)

export const CompanyChange = Type.Object({ settings: SettingsChange }, { additionalProperties: false })

const companyMembers = { id: Id, name: Type.String(), settings: Type.Object(settings), created_at: Time }

export const Company = component('Company', 'A company', Type.Object(companyMembers))
export type Company = Static<typeof Company.schema>

export const CompanyWithKey = component(
  'CompanyWithKey',
  'A new company with its first API key',
  Type.Object({
    ...companyMembers,
    api_key: Type.String({
      description: 'Its first API key, which may do everything within it. It stands in this answer and never again',
    }),
  }),
)
