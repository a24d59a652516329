import { rowShape } from '../db/rows.ts'
import { command } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { NewEvent } from './event.ts'

const shape = rowShape<NewEvent>({
  n: ['int', (_event, index) => index],
  company_id: ['uuid', (event) => event.companyId],
  id: ['uuid', (event) => event.id],
  event_name: ['text', (event) => event.eventName],
  definition_version: ['int', (event) => event.definitionVersion],
  entity_type: ['text', (event) => event.entity?.type],
  entity_id: ['text', (event) => event.entity?.id],
  related: ['json', ({ related }) => (related.length > 0 ? JSON.stringify(related) : undefined)],
  actor_type: ['text', (event) => event.actor?.type],
  actor_id: ['text', (event) => event.actor?.id],
  actor_name: ['text', (event) => event.actor?.name],
  source: ['text', (event) => event.source],
  correlation_id: ['text', (event) => event.correlationId],
  causation_id: ['text', (event) => event.causationId],
  occurred_at: ['timestamptz', (event) => event.occurredAt],
  recorded_at: ['timestamptz', (event) => event.recordedAt],
  payload: ['json', (event) => event.payload],
  payload_salt: ['bytea', (event) => event.salt],
  digest: ['bytea', (event) => event.digest],
  content_digest: ['bytea', (event) => event.contentDigest],
  idempotency_key: ['text', (event) => event.idempotencyKey],
  trace_parent: ['text', (event) => event.traceParent],
})

/**
 * Writes events and their outbox rows; the whole of a publish.
 *
 * One statement, so all or nothing, also outside a transaction. No lock that other writers wait for: a publish waits only
 * for another one of the same id or key, and then fails with a unique violation. Log and key rows go in key order, so two
 * overlapping publishes cannot deadlock. `order by n` draws the outbox numbers in the order of the request.
 */
const insertRows = command<readonly unknown[]>(
  'event.insert',
  `with input as materialized (
     select * from ${shape.from()}
   ), logged as (
     insert into event_logs (
       company_id, id, event_name, definition_version, entity_type, entity_id, related, actor_type, actor_id, actor_name,
       source, correlation_id, causation_id, occurred_at, recorded_at, payload, payload_salt, digest, content_digest,
       trace_parent)
     select
       company_id, id, event_name, definition_version, entity_type, entity_id, related::jsonb, actor_type, actor_id, actor_name,
       source, correlation_id, causation_id, occurred_at, recorded_at, payload, payload_salt, digest, content_digest,
       trace_parent
     from input order by company_id, id
   ), keyed as (
     insert into publish_keys (company_id, key, event_id, content_digest, recorded_at, expires_at)
     select company_id, idempotency_key, id, content_digest, recorded_at, now() + interval '31 days'
     from input where idempotency_key is not null order by company_id, idempotency_key
   )
   insert into event_outbox (company_id, event_id) select company_id, id from input order by n`,
)

/** Events are accepted when the transaction (or, on a pool, this call) commits. Answers with their number. */
export async function insertEvents(db: Db, events: readonly NewEvent[]): Promise<number> {
  return await insertRows(db, ...shape.values(events))
}
