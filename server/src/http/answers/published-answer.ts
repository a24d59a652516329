import type { PublishedEvent } from '../../contract/event-input.ts'
import type { Published } from '../../events/publisher.ts'
import type { Fault } from '../../lib/problems.ts'

export function publishedAnswer(published: Published, warnings?: readonly Fault[]): PublishedEvent {
  return {
    id: published.id,
    event_name: published.eventName,
    recorded_at: published.recordedAt,
    replayed: published.replayed,
    ...(warnings && { warnings: [...warnings] }),
  }
}
