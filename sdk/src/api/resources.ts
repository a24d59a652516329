/** Made from docs/openapi.json by `npm run openapi`; not to be changed by hand. */

import type {
  CallOptions,
  ConditionalCallOptions,
} from '../call-options.ts'
import type { List, Page } from '../list.ts'
import type {
  ApiKey,
  ApiKeyWithText,
  AuditEntry,
  CancelDeliveriesBody,
  ChangedSubscription,
  CheckDefinitionBody,
  Company,
  CompanyWithKey,
  CreateApiKeyBody,
  CreateCompanyBody,
  CreateDefinitionBody,
  CreateReplayBody,
  CreateSubscriptionBody,
  CreatedSubscription,
  Definition,
  DefinitionCheck,
  DefinitionImport,
  DefinitionSample,
  DefinitionSummary,
  DefinitionVersion,
  Delivery,
  DeliveryWithAttempts,
  EnableSubscriptionBody,
  EnabledSubscription,
  Event,
  EventFacets,
  EventInput,
  EventPart,
  EventWithDeliveries,
  ExportAuditQuery,
  ExportEventsQuery,
  GetDefinitionQuery,
  GetEventFacetsQuery,
  GetEventRoutingQuery,
  GetStatsQuery,
  GetTimelineQuery,
  ImportDefinitionsBody,
  Job,
  JobCount,
  ListApiKeysQuery,
  ListAuditQuery,
  ListCompaniesQuery,
  ListDefinitionVersionsQuery,
  ListDefinitionsQuery,
  ListDeliveriesQuery,
  ListEventsQuery,
  ListJobsQuery,
  ListReplaysQuery,
  ListSubscriptionsQuery,
  ListWebhookLogsQuery,
  PreviewRetentionBody,
  PreviewSubscriptionBody,
  PublishBatchBody,
  PublishedEvent,
  RecoverSubscriptionBody,
  ReplaceSubscriptionBody,
  Replay,
  ReplayEstimate,
  ResumeReplayBody,
  Retention,
  RetentionPreview,
  RetryDeliveriesBody,
  RevealedSecrets,
  RotateSecretBody,
  RoutingExplanation,
  SampleDefinitionQuery,
  SetRetentionBody,
  Stats,
  Subscription,
  SubscriptionPreview,
  SubscriptionWithSecret,
  TestSubscriptionBody,
  TestWebhookBody,
  Timeline,
  TimelineEvent,
  UpdateCompanyBody,
  UpdateDefinitionBody,
  UpdateSubscriptionBody,
  WebhookLog,
  WebhookLogSummary,
  WebhookTest,
} from './types.ts'

export interface ServerResource {
  /** Whether the process is alive. Needs no key. */
  health(options?: CallOptions): Promise<{
    readonly status: "ok"
    readonly version: string
  }>

  /** Whether requests should be sent here. Needs no key. Answers at once with what was found out within the last seconds: whether the database answers, whether its schema is this version's, whether the engine's thread answers, and that the server is not stopping. A refusal names each check that does not hold, in `errors`. */
  ready(options?: CallOptions): Promise<{
    readonly status: "ready"
    readonly checks: {
      readonly database: "ok"
      readonly migrations: "ok"
      readonly engine: "ok"
      readonly running: "ok"
    }
  }>

  /** Numbers for Prometheus. Needs no key. (The server may be started with one, `DAYBOOK_METRICS_KEY`.) About this process and the whole database; no company, no subscription and no address is named. */
  metrics(options?: CallOptions): Promise<string>

  /** This document. Needs no key. */
  openApi(options?: CallOptions): Promise<Readonly<Record<string, unknown>>>
}

export interface EventsResource {
  /** Publish an event. Scope: `events:write`. The answer comes after the commit; one that repeats an earlier publish has status 200 and the header `idempotent-replayed: true`. */
  publish(body: EventInput, options?: CallOptions): Promise<PublishedEvent>

  /** List events by position, newest first. Scope: `events:read`. Go on while there is a `next_cursor`: a page looks at 10,000 events (500 with `filter` or `delivery`) or for two seconds at most, so where few fit it can be shorter than its limit, even empty. */
  list(query?: ListEventsQuery, options?: CallOptions): List<Event | EventPart, Page<Event | EventPart>>

  /** Publish up to 1,000 events, all or none. Scope: `events:write`. The answer comes after the commit; one that repeats earlier publishes throughout has status 200 and the header `idempotent-replayed: true`. */
  publishBatch(body: PublishBatchBody, options?: CallOptions): Promise<{
    /** In the order of the request */
    readonly data: readonly PublishedEvent[]
  }>

  /** Export all events of a filter as NDJSON or CSV, the oldest first. Scope: `events:read`. Each event once, up to the newest one of when it began. In CSV a text that a spreadsheet would run has an apostrophe in front. When it fails on the way the connection is cut without the end of the chunked encoding: no complete answer is an incomplete export. */
  export(query?: ExportEventsQuery, options?: CallOptions): Promise<ReadableStream<Uint8Array>>

  /** Count names, entity types, actors and sources of events. Scope: `events:read`. Over the newest events of the range, up to 20,000; `is_complete` says whether that was all. */
  facets(query?: GetEventFacetsQuery, options?: CallOptions): Promise<EventFacets>

  /** Read an entity's story, the oldest event first. Scope: `events:read`. Go on while there is a `next_cursor`. Correlations are followed from the 500 events about the entity on either side of where a page begins. */
  timeline(query: GetTimelineQuery, options?: CallOptions): List<TimelineEvent, Timeline>

  /** Count events and how they were delivered, by time. Scope: `events:read`. The 24 hours until now when no time is given; what is given is widened to whole buckets. Counted within seconds. Tests are never counted. */
  stats(query?: GetStatsQuery, options?: CallOptions): Promise<Stats>

  /** Get an event and what became of it. Scope: `events:read`. Found from the moment its publish was answered. */
  get(id: string, options?: CallOptions): Promise<EventWithDeliveries>

  /** Explain to whom an event was sent. Scope: `events:read`. Each subscription as it was at the event's position, in the order of their ids. Empty until the event is routed. A page may be shorter than asked for while there are more: `next_cursor` says so. */
  routing(id: string, query?: GetEventRoutingQuery, options?: CallOptions): List<RoutingExplanation, Page<RoutingExplanation>>
}

export interface DefinitionsResource {
  /** List the definitions of events by name. Scope: `events:read`. The standard ones and the company's own, without their schemas. */
  list(query?: ListDefinitionsQuery, options?: CallOptions): List<DefinitionSummary, Page<DefinitionSummary>>

  /** Define an event name. Scope: `definitions:write`. Without examples a payload that fits has to be found, so that whatever is defined can be published. */
  create(body: CreateDefinitionBody, options?: CallOptions): Promise<Definition>

  /** Get the definition of an event name. Scope: `events:read`. With its latest version, or with that of the query. The `ETag` of one of your own stands for the whole definition and is for `If-Match`. */
  get(eventName: string, query?: GetDefinitionQuery, options?: CallOptions): Promise<Definition>

  /** Change a definition. Scope: `definitions:write`. What is absent stays. A schema or examples that differ from the latest as JSON are a new version. It has to be compatible by the mode that the definition has after the change; every break is listed, and with `"compatibility": "none"` in the same request nothing is compared. */
  update(eventName: string, body: UpdateDefinitionBody, options?: ConditionalCallOptions): Promise<Definition>

  /** Delete a definition. Scope: `definitions:write`. A draft, or one that never had an event. Any other can be archived. */
  delete(eventName: string, options?: ConditionalCallOptions): Promise<void>

  /** List the versions of a definition, newest first. Scope: `events:read`. A version never changes; `?version=` of the definition shows its schema. */
  versions(eventName: string, query?: ListDefinitionVersionsQuery, options?: CallOptions): List<DefinitionVersion, Page<DefinitionVersion>>

  /** Try a schema without keeping it. Scope: `definitions:write`. The last events need `events:read` as well. Says what would keep it from being the next version of the name, or its first; whom it would break; and which of the last events it would have refused. */
  check(eventName: string, body: CheckDefinitionBody, options?: CallOptions): Promise<DefinitionCheck>

  /** Get a payload that fits a definition. Scope: `events:read`. The first example, or with a seed one that is made up from the schema. */
  sample(eventName: string, query?: SampleDefinitionQuery, options?: CallOptions): Promise<DefinitionSample>

  /** Import definitions from OpenAPI, AsyncAPI or files. Scope: `definitions:write`. Unless `dry_run` is false nothing is written, and the answer tells what would be done. Then all is written at once, or, when anything is refused, nothing. */
  import(body: ImportDefinitionsBody, options?: CallOptions): Promise<DefinitionImport>
}

export interface SubscriptionsResource {
  /** List subscriptions, newest first. Scope: `subscriptions:read`. */
  list(query?: ListSubscriptionsQuery, options?: CallOptions): List<Subscription, Page<Subscription>>

  /** Subscribe a URL to events. Scope: `subscriptions:write`. An event whose publish begins after the answer is sent to it. */
  create(body: CreateSubscriptionBody, options?: CallOptions): Promise<CreatedSubscription>

  /** Try names and a filter on the newest events. Scope: `events:read`. Changes nothing: says what such a subscription would have got. */
  preview(body: PreviewSubscriptionBody, options?: CallOptions): Promise<SubscriptionPreview>

  /** Get a subscription. Scope: `subscriptions:read`. `ETag` is the tag of its settings, for `If-Match`; counters change under it. */
  get(id: string, options?: CallOptions): Promise<Subscription>

  /** Replace the settings of a subscription. Scope: `subscriptions:write`. What is absent takes its default; credentials, signing secrets and, unless `active` is given, the status stay. */
  replace(id: string, body: ReplaceSubscriptionBody, options?: ConditionalCallOptions): Promise<ChangedSubscription>

  /** Change a subscription. Scope: `subscriptions:write`. What is absent stays. Deliveries that wait go to the new URL. */
  update(id: string, body: UpdateSubscriptionBody, options?: ConditionalCallOptions): Promise<ChangedSubscription>

  /** End a subscription. Scope: `subscriptions:write`. Its waiting deliveries end as cancelled; its logs stay. */
  delete(id: string, options?: ConditionalCallOptions): Promise<void>

  /** Send to a subscription again. Scope: `subscriptions:write`. Waiting deliveries are due at once; the answer counts what passed it by, and with `recover` a job sends it. An ordered subscription becomes active when that job has queued all of it. */
  enable(id: string, body: EnableSubscriptionBody, options?: ConditionalCallOptions): Promise<EnabledSubscription>

  /** Stop sending to a subscription. Scope: `subscriptions:write`. Its waiting deliveries are kept; of new events the first position is. */
  disable(id: string, options?: ConditionalCallOptions): Promise<Subscription>

  /** Send a subscription the events that it never got. Scope: `subscriptions:write`. A job sends it the events of the range that its names and its filter choose today and that were never owed to it. Above 1,000 the count has to be confirmed by `expected_count`. */
  recover(id: string, body: RecoverSubscriptionBody, options?: CallOptions): Promise<Job>

  /** Give a subscription a new signing secret. Scope: `subscriptions:write`. Calls carry signatures of both secrets until the overlap ends. */
  rotateSecret(id: string, body: RotateSecretBody, options?: ConditionalCallOptions): Promise<SubscriptionWithSecret>

  /** Send a subscription a signed sample. Scope: `subscriptions:write`. The call is made now and once, as a delivery would be, whatever the status of the subscription; by default with the first event that it names. The ledger keeps it as a test, and nothing is counted. */
  test(id: string, body: TestSubscriptionBody, options?: CallOptions): Promise<WebhookTest>

  /** Read the secrets of a subscription. Scope: `secrets:read`. Every call is an event, `daybook.subscription.secrets_revealed`. */
  revealSecrets(id: string, options?: CallOptions): Promise<RevealedSecrets>
}

export interface DeliveriesResource {
  /** List deliveries: the pending ones, newest first, then the ended ones, latest first. Scope: `deliveries:read`. One that ends between two pages may be seen twice. */
  list(query?: ListDeliveriesQuery, options?: CallOptions): List<Delivery, Page<Delivery>>

  /** Get a delivery with its attempts. Scope: `deliveries:read`. */
  get(id: string, options?: CallOptions): Promise<DeliveryWithAttempts>

  /** Make the next attempt of a delivery now. Scope: `deliveries:write`. One that has ended begins a new schedule of attempts. */
  retry(id: string, options?: CallOptions): Promise<Delivery>

  /** End a pending delivery without another attempt. Scope: `deliveries:write`. */
  cancel(id: string, options?: CallOptions): Promise<Delivery>

  /** Let the deliveries that wait for this one go on without it. Scope: `deliveries:write`. For the first of the deliveries of one order; it stays pending, on its own schedule, and may arrive after later ones. */
  skip(id: string, options?: CallOptions): Promise<Delivery>

  /** Retry many deliveries, chosen by a filter, as a job. Scope: `deliveries:write`. `failed` deliveries are chosen unless `state` says otherwise. With `dry_run` they are only counted. Above 1,000 the count has to be confirmed by `expected_count`. */
  retryMany(body: RetryDeliveriesBody, options?: CallOptions): Promise<JobCount | Job>

  /** End many pending deliveries, chosen by a filter, as a job. Scope: `deliveries:write`. With `dry_run` they are only counted. Above 1,000 the count has to be confirmed by `expected_count`. */
  cancelMany(body: CancelDeliveriesBody, options?: CallOptions): Promise<JobCount | Job>
}

export interface JobsResource {
  /** List jobs, newest first. Scope: `deliveries:read`. */
  list(query?: ListJobsQuery, options?: CallOptions): List<Job, Page<Job>>

  /** Get a job with its progress. Scope: `deliveries:read`. */
  get(id: string, options?: CallOptions): Promise<Job>

  /** Keep a job from going on until it is resumed. Scope: `deliveries:write`. Some kinds need the scope that starts them too: `replays:write` for replays, `subscriptions:write` for recoveries. What it did stays done. Nothing happens to one that is paused already. */
  pause(id: string, options?: CallOptions): Promise<Job>

  /** Let a job that was paused, or has failed, go on. Scope: `deliveries:write`. Some kinds need the scope that starts them too: `replays:write` for replays, `subscriptions:write` for recoveries. It goes on where it was; so does one that has failed, but for `recover_events`. Nothing happens to one that goes on already. */
  resume(id: string, options?: CallOptions): Promise<Job>

  /** End a job before it is done. Scope: `deliveries:write`. Some kinds need the scope that starts them too: `replays:write` for replays, `subscriptions:write` for recoveries. What it did stays done. */
  cancel(id: string, options?: CallOptions): Promise<Job>
}

export interface ReplaysResource {
  /** List replays, newest first. Scope: `deliveries:read`. */
  list(query?: ListReplaysQuery, options?: CallOptions): List<Replay, Page<Replay>>

  /** Post past events to subscriptions again. Scope: `replays:write`. A subscription is sent what the source chooses and its own names and filter choose too. With `dry_run` nothing is sent: the answer says what would be. Above 1,000 the count has to be confirmed by `expected_count`. */
  create(body: CreateReplayBody, options?: CallOptions): Promise<ReplayEstimate | Replay>

  /** Get a replay with its progress. Scope: `deliveries:read`. */
  get(id: string, options?: CallOptions): Promise<Replay>

  /** Keep a replay from going on until it is resumed. Scope: `replays:write`. What it added is posted still. Nothing happens to one that is paused already. */
  pause(id: string, options?: CallOptions): Promise<Replay>

  /** Let a replay that was paused, has failed, or has to be confirmed go on. Scope: `replays:write`. It goes on where it was. One that waits for `more_than_confirmed` goes on with a higher `expected_count`. Nothing happens to one that goes on already. */
  resume(id: string, body: ResumeReplayBody, options?: CallOptions): Promise<Replay>

  /** End a replay before it is done. Scope: `replays:write`. What it added stays and is posted. */
  cancel(id: string, options?: CallOptions): Promise<Replay>
}

export interface WebhooksResource {
  /** Call a URL with a signed sample. Scope: `subscriptions:write`. The call is made now and once; the answer waits for it. The ledger keeps it as a test, and no event is recorded. The header `daybook-test` tells receivers. */
  test(body: TestWebhookBody, options?: CallOptions): Promise<WebhookTest>
}

export interface WebhookLogsResource {
  /** List attempts and endings, newest first. Scope: `deliveries:read`. Go on while there is a `next_cursor`: where few rows fit, a page can be shorter than its limit, even empty. */
  list(query?: ListWebhookLogsQuery, options?: CallOptions): List<WebhookLogSummary, Page<WebhookLogSummary>>

  /** Get an attempt with its request and response. Scope: `deliveries:read`. */
  get(id: string, options?: CallOptions): Promise<WebhookLog>
}

export interface AuditResource {
  /** List who did what, newest first. Scope: `audit:read`. Business events and those of Daybook itself; `event_names=daybook.*` for the latter alone. Go on while there is a `next_cursor`. */
  list(query?: ListAuditQuery, options?: CallOptions): List<AuditEntry, Page<AuditEntry>>

  /** Export the audit trail as NDJSON or CSV, the oldest entry first. Scope: `audit:read`. Like the export of events; that it was asked for is an event itself, `daybook.audit.exported`. */
  export(query?: ExportAuditQuery, options?: CallOptions): Promise<ReadableStream<Uint8Array>>
}

export interface RetentionResource {
  /** Get how long payloads and the ledger are kept. Scope: `retention:read`. With what is kept beyond its time because something still needs it. */
  get(options?: CallOptions): Promise<Retention>

  /** Decide how long payloads and the ledger are kept. Scope: `retention:write`. Replaces the whole decision. What is beyond its time begins to end within seconds, and does not come back; ask `POST /retention/preview` first. */
  set(body: SetRetentionBody, options?: CallOptions): Promise<Retention>

  /** See what a retention would end now. Scope: `retention:read`. Changes nothing. Looks at 20,000 rows of the log (5,000 of each event name) and as many of the ledger, and says where there are more. */
  preview(body: PreviewRetentionBody, options?: CallOptions): Promise<RetentionPreview>
}

export interface ApiKeysResource {
  /** List API keys, newest first. Scope: `keys:read`. Revoked and expired keys included. */
  list(query?: ListApiKeysQuery, options?: CallOptions): List<ApiKey, Page<ApiKey>>

  /** Make an API key. Scope: `keys:write`. A key can give no scope that it lacks itself. */
  create(body: CreateApiKeyBody, options?: CallOptions): Promise<ApiKeyWithText>

  /** Revoke an API key. Scope: `keys:write`. Every process refuses it within five seconds. Safe to repeat. */
  revoke(id: string, options?: CallOptions): Promise<ApiKey>
}

export interface CompaniesResource {
  /** List companies, newest first. The operator's key only. */
  list(query?: ListCompaniesQuery, options?: CallOptions): List<Company, Page<Company>>

  /** Make a company and its first API key. The operator's key only. */
  create(body: CreateCompanyBody, options?: CallOptions): Promise<CompanyWithKey>

  /** Get a company. The operator's key only. */
  get(id: string, options?: CallOptions): Promise<Company>

  /** Change the settings of a company. The operator's key only. What is absent stays. In force everywhere within five seconds. */
  update(id: string, body: UpdateCompanyBody, options?: CallOptions): Promise<Company>
}

export interface Resources {
  readonly server: ServerResource
  readonly events: EventsResource
  readonly definitions: DefinitionsResource
  readonly subscriptions: SubscriptionsResource
  readonly deliveries: DeliveriesResource
  readonly jobs: JobsResource
  readonly replays: ReplaysResource
  readonly webhooks: WebhooksResource
  readonly webhookLogs: WebhookLogsResource
  readonly audit: AuditResource
  readonly retention: RetentionResource
  readonly apiKeys: ApiKeysResource
  readonly companies: CompaniesResource
}
