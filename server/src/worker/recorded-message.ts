import type { LoggedEvent } from '../events/event.ts'

/**
 * Committed events on their way to the engine's thread. The digests travel in one block of memory: a Buffer is often a view
 * into a shared pool, and a copy of it between threads would copy the pool.
 */
export interface RecordedMessage {
  readonly events: readonly Omit<LoggedEvent, 'digest'>[]
  /** 32 bytes for each event, in their order. */
  readonly digests: Uint8Array
}

const DIGEST_BYTES = 32

export function packRecorded(events: readonly LoggedEvent[]): RecordedMessage {
  const digests = new Uint8Array(events.length * DIGEST_BYTES)
  const packed = events.map((event, index) => {
    digests.set(event.digest, index * DIGEST_BYTES)
    return {
      companyId: event.companyId,
      id: event.id,
      eventName: event.eventName,
      entity: event.entity,
      related: event.related,
      actor: event.actor,
      source: event.source,
      correlationId: event.correlationId,
      causationId: event.causationId,
      occurredAt: event.occurredAt,
      recordedAt: event.recordedAt,
      payload: event.payload,
      traceParent: event.traceParent,
    }
  })
  return { events: packed, digests }
}

export function unpackRecorded({ events, digests }: RecordedMessage): LoggedEvent[] {
  const { buffer, byteOffset } = digests
  return events.map((event, index) => ({
    ...event,
    digest: Buffer.from(buffer, byteOffset + index * DIGEST_BYTES, DIGEST_BYTES),
  }))
}
