import type { PublishedEvent } from '../../contract/event-input.ts'
import type { Published } from '../../events/publisher.ts'

export function publishedAnswer(published: Published): PublishedEvent {
  return {
    id: published.id,
    event_name: published.eventName,
    recorded_at: published.recordedAt,
    replayed: published.replayed,
  }
}
