import { rowShape } from '../db/rows.ts'
import { command } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { NewEvent } from './event.ts'

const shape = rowShape({
  n: 'int',
  company_id: 'uuid',
  id: 'uuid',
  event_name: 'text',
  definition_version: 'int',
  entity_type: 'text',
  entity_id: 'text',
  related: 'jsonb',
  actor_type: 'text',
  actor_id: 'text',
  actor_name: 'text',
  source: 'text',
  correlation_id: 'text',
  causation_id: 'text',
  occurred_at: 'timestamptz',
  recorded_at: 'timestamptz',
  payload: 'text',
  payload_salt: 'bytea',
  digest: 'bytea',
  content_digest: 'bytea',
  idempotency_key: 'text',
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
       source, correlation_id, causation_id, occurred_at, recorded_at, payload, payload_salt, digest, content_digest)
     select
       company_id, id, event_name, definition_version, entity_type, entity_id, related, actor_type, actor_id, actor_name,
       source, correlation_id, causation_id, occurred_at, recorded_at, payload, payload_salt, digest, content_digest
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
  return await insertRows(db, ...shape.values(events.map(toRow)))
}

function toRow(event: NewEvent, n: number) {
  return {
    n,
    company_id: event.companyId,
    id: event.id,
    event_name: event.eventName,
    definition_version: event.definitionVersion,
    entity_type: event.entity?.type,
    entity_id: event.entity?.id,
    related: event.related.length > 0 ? JSON.stringify(event.related) : undefined,
    actor_type: event.actor?.type,
    actor_id: event.actor?.id,
    actor_name: event.actor?.name,
    source: event.source,
    correlation_id: event.correlationId,
    causation_id: event.causationId,
    occurred_at: event.occurredAt,
    recorded_at: event.recordedAt,
    payload: event.payload,
    payload_salt: event.salt,
    digest: event.digest,
    content_digest: event.contentDigest,
    idempotency_key: event.idempotencyKey,
  }
}
