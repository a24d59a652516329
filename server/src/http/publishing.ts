/** What the two routes that publish have in common. */
import type { PublishDefinitions } from '../events/definitions.ts'
import type { PrepareContext } from '../events/prepare-events.ts'
import type { Principal } from '../identity/key-ring.ts'
import type { Fault, ProblemCode } from '../lib/problems.ts'
import type { HttpParts } from './http-parts.ts'

/** `true` on an answer that repeats the one of an earlier publish. */
export const REPLAYED_HEADER = 'idempotent-replayed'

export const publishProblems = [
  'idempotency_conflict',
  'payload_too_large',
  'invalid_event_name',
  'unknown_event_name',
  'reserved_event_name',
  'definition_archived',
  'schema_violation',
  'invalid_event_id',
  'invalid_time',
  'invalid_entity',
  'too_many_related',
  'too_busy',
] as const satisfies readonly ProblemCode[]

export function prepareContext(
  parts: Pick<HttpParts, 'clock'>,
  definitions: PublishDefinitions,
  principal: Principal,
  traceParent?: string,
): PrepareContext {
  return {
    companyId: principal.companyId,
    definitions,
    allowUndeclared: principal.settings.allow_undeclared_events,
    defaultActor: { type: 'api_key', id: principal.keyId, name: principal.keyName },
    nowMs: parts.clock.now(),
    traceParent,
  }
}

/** What a publisher should know of an event that was taken; undefined when there is nothing. */
export function warningsOf(
  definitions: PublishDefinitions,
  eventName: string,
  pointer: string,
): readonly Fault[] | undefined {
  if (!definitions.get(eventName)?.isDeprecated) return undefined
  const message = `The definition of ${eventName} is deprecated`
  return [{ pointer: `${pointer}/event_name`, code: 'definition_deprecated', message }]
}
