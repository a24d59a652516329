/** What the two routes that publish have in common. */
import type { PrepareContext } from '../events/prepare-events.ts'
import type { Principal } from '../identity/key-ring.ts'
import type { ProblemCode } from '../lib/problems.ts'
import type { HttpParts } from './http-parts.ts'

/** `true` on an answer that repeats the one of an earlier publish. */
export const REPLAYED_HEADER = 'idempotent-replayed'

export const publishProblems = [
  'idempotency_conflict',
  'payload_too_large',
  'invalid_event_name',
  'unknown_event_name',
  'reserved_event_name',
  'schema_violation',
  'invalid_event_id',
  'invalid_time',
  'invalid_entity',
  'too_many_related',
] as const satisfies readonly ProblemCode[]

export function prepareContext(
  parts: Pick<HttpParts, 'definitions' | 'clock'>,
  principal: Principal,
  traceParent?: string,
): PrepareContext {
  return {
    companyId: principal.companyId,
    definitions: parts.definitions,
    allowUndeclared: principal.settings.allow_undeclared_events,
    defaultActor: { type: 'api_key', id: principal.keyId, name: principal.keyName },
    nowMs: parts.clock.now(),
    traceParent,
  }
}
