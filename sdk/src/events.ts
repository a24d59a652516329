import type { EventsResource } from './api/resources.ts'
import type { Event, EventPart, ListEventsQuery, PublishedEvent, StreamEventsQuery } from './api/types.ts'
import type { CallOptions } from './call-options.ts'
import type { EventStream } from './event-stream.ts'
import type { List } from './list.ts'
import type { AnyPublishEvent, NameOf, PublishEvent } from './publish-event.ts'

/** Events, typed by the payloads of their names. */
export interface Events<Payloads> extends Omit<EventsResource, 'publish' | 'publishBatch' | 'list'> {
  /**
   * Publishes one event. When this resolves, the event is committed. Tried again when no answer came, or one that says
   * "later" (429, 502, 503, 504). That is safe: an event without an id is given one before the first try, and all tries send
   * the same bytes, so the server recognises what it committed already.
   */
  publish<Name extends NameOf<Payloads>>(
    event: PublishEvent<Payloads, Name>,
    options?: CallOptions,
  ): Promise<PublishedEvent>

  /** Publishes up to 1,000 events, all or none. Tried again like `publish`. The answers are in the order of the events. */
  publishBatch(
    events: readonly AnyPublishEvent<Payloads>[],
    options?: CallOptions,
  ): Promise<{ readonly data: readonly PublishedEvent[] }>

  /** Events by position, the newest first unless `order` says otherwise. With `fields`, only these members of them. */
  list(query?: ListEventsQuery & { readonly fields?: undefined }, options?: CallOptions): List<Event>
  list(query: ListEventsQuery, options?: CallOptions): List<EventPart>

  /**
   * Events as they are recorded, each once and in the order of positions, for as long as it is read: with `after`, those that
   * came after that position first. A connection that breaks is made again where it broke off. Rejects when the request is
   * refused, also when that is noticed on the way: the key has ended, or the log ends before the position.
   */
  stream(
    query?: StreamEventsQuery & { readonly fields?: undefined },
    options?: Pick<CallOptions, 'signal'>,
  ): EventStream
  stream(query: StreamEventsQuery, options?: Pick<CallOptions, 'signal'>): EventStream<EventPart>
}
