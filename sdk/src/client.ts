import type { Resources } from './api/resources.ts'
import type { Event, StreamEventsQuery } from './api/types.ts'
import type { CallOptions } from './call-options.ts'
import { readEventStream } from './event-stream.ts'
import type { EventStream } from './event-stream.ts'
import type { Events } from './events.ts'
import type { AnyPayloads } from './publish-event.ts'
import { withId } from './publish-event.ts'
import type { Query } from './query-text.ts'
import { makeResources } from './resources.ts'
import { sleep } from './sleep.ts'
import type { DaybookClientOptions } from './transport.ts'
import { Transport } from './transport.ts'

export interface RequestOptions extends CallOptions {
  readonly query?: Query | undefined
  /** Sent as JSON. */
  readonly body?: unknown
}

/**
 * Talks to one Daybook server with one API key: `client.<resource>.<method>` for every route. Keeps no state between calls.
 * Calls reject with `DaybookError`, or with their signal's reason.
 */
export class DaybookClient<Payloads extends object = AnyPayloads> implements Omit<Resources, 'events'> {
  readonly events: Events<Payloads>
  readonly definitions: Resources['definitions']
  readonly subscriptions: Resources['subscriptions']
  readonly deliveries: Resources['deliveries']
  readonly jobs: Resources['jobs']
  readonly replays: Resources['replays']
  readonly retention: Resources['retention']
  readonly webhooks: Resources['webhooks']
  readonly webhookLogs: Resources['webhookLogs']
  readonly audit: Resources['audit']
  readonly apiKeys: Resources['apiKeys']
  readonly companies: Resources['companies']
  readonly server: Resources['server']
  readonly #transport: Transport

  /** Throws a TypeError when `baseUrl` is not an http or https address. */
  constructor(options: DaybookClientOptions) {
    const transport = new Transport(options)
    const resources = makeResources(transport)
    this.#transport = transport
    this.events = eventsOf<Payloads>(resources.events, transport, options)
    this.definitions = resources.definitions
    this.subscriptions = resources.subscriptions
    this.deliveries = resources.deliveries
    this.jobs = resources.jobs
    this.replays = resources.replays
    this.retention = resources.retention
    this.webhooks = resources.webhooks
    this.webhookLogs = resources.webhookLogs
    this.audit = resources.audit
    this.apiKeys = resources.apiKeys
    this.companies = resources.companies
    this.server = resources.server
  }

  /**
   * A request that the methods above do not have. `path` is what follows `/api/v1`: `/events/timeline`; the values in it are
   * for the caller to encode. Sent once, unless `maxRetries` says that it may be repeated. Resolves with the answer's JSON, or
   * null if it has no body; nothing checks that it is a `T`.
   */
  async request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const { body, maxRetries = 0 } = options
    const answer = await this.#transport.json({
      ...options,
      verb: method,
      path: `/api/v1${path}`,
      body: body === undefined ? undefined : JSON.stringify(body),
      maxRetries,
      isRepeatable: maxRetries > 0,
    })
    return answer as T
  }
}

function eventsOf<Payloads>(
  generated: Resources['events'],
  transport: Transport,
  { sleep: ownSleep = sleep }: DaybookClientOptions,
): Events<Payloads> {
  const { publish, publishBatch } = generated as unknown as Untyped
  const added: Pick<Events<AnyPayloads>, 'publish' | 'publishBatch' | 'stream'> = {
    publish: async (event, options) => await publish(withId(event), options),
    publishBatch: async (events, options) => await publishBatch({ events: events.map(withId) }, options),
    stream: (query = {}, { signal } = {}) => streamOf(transport, query, { signal, sleep: ownSleep }),
  }
  // The types of payloads exist for the caller alone.
  return { ...generated, ...added } as unknown as Events<Payloads>
}

function streamOf(
  transport: Transport,
  query: StreamEventsQuery,
  options: Parameters<typeof readEventStream>[2],
): EventStream {
  return { [Symbol.asyncIterator]: (): AsyncGenerator<Event, void> => readEventStream(transport, query, options) }
}

/** The generated methods as they are at run time. */
interface Untyped {
  publish(event: unknown, options: CallOptions | undefined): ReturnType<Resources['events']['publish']>
  publishBatch(body: unknown, options: CallOptions | undefined): ReturnType<Resources['events']['publishBatch']>
}
