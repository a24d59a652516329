/** What the two routes that change a subscription's settings have in common. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ChangedSubscription } from '../contract/subscription.ts'
import { asCompany } from '../db/transaction.ts'
import type { ProblemCode } from '../lib/problems.ts'
import type { SubscriptionChange } from '../webhooks/subscriptions.ts'
import { updateSubscription } from '../webhooks/subscriptions.ts'
import { unknownNames } from '../webhooks/unknown-names.ts'
import { authorOf, principalOf } from './access.ts'
import { subscriptionAnswer } from './answers/subscription-answer.ts'
import { ifMatch, setEtag } from './etag.ts'
import type { HttpParts } from './http-parts.ts'
import { pathId } from './path-id.ts'
import { bodyProblems, keyProblems } from './problem-responses.ts'

/** What the settings of a subscription may be refused for. */
export const settingProblems = [
  'invalid_event_name',
  'invalid_url',
  'invalid_filter',
  'invalid_header',
  'invalid_credentials',
] as const satisfies readonly ProblemCode[]

export const subscriptionProblems = [
  ...keyProblems,
  ...bodyProblems,
  ...settingProblems,
  'not_found',
  'precondition_failed',
  'secret_unreadable',
  'recovery_running',
  'subscription_limit',
] as const satisfies readonly ProblemCode[]

export async function changeSubscription(
  parts: HttpParts,
  request: FastifyRequest,
  reply: FastifyReply,
  givenId: string,
  change: SubscriptionChange,
): Promise<ChangedSubscription> {
  const { pools, vault, clock, allow, definitions, onRecorded, onDeliveriesDue } = parts
  const { companyId } = principalOf(request)
  const id = pathId(givenId, 'subscription')
  const author = authorOf(request, clock)
  const subscription = await asCompany(pools.api, companyId, (db) =>
    updateSubscription(db, vault, allow, author, companyId, id, change, ifMatch(request)),
  )
  onRecorded()
  onDeliveriesDue(companyId, id)
  setEtag(reply, subscription.version)
  const warnings = [...unknownNames(subscription.event_names, await definitions.namesOf(companyId))]
  return { ...subscriptionAnswer(subscription), warnings }
}
